// Keys, values, and walks.
#include "tools/orrery/file_tree.h"

#include <cstring>
#include <utility>

namespace orrery::tools {
namespace {

constexpr std::string_view kNextKey = "tree/next";
constexpr std::string_view kChildPrefix = "tree/child/";
constexpr std::string_view kEntryPrefix = "tree/entry/";
constexpr std::string_view kSizePrefix = "tree/size/";
constexpr size_t kNumberBytes = 8;
constexpr size_t kEntryHeadBytes = 8 + 8 + 8 + 4 + 1;

std::string BigEndian(uint64_t number) {
  std::string bytes(kNumberBytes, '\0');
  for (size_t i = kNumberBytes; i-- > 0; number >>= 8) bytes[i] = static_cast<char>(number);
  return bytes;
}

uint64_t FromBigEndian(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

template <class T>
void AppendLittle(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i)));
  }
}

template <class T>
T TakeLittle(std::string_view& bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  bytes.remove_prefix(sizeof(T));
  return static_cast<T>(value);
}

Key ChildKey(uint64_t parent, std::string_view name) {
  return std::string(kChildPrefix) + BigEndian(parent) + std::string(name);
}

Key EntryKey(uint64_t number) { return std::string(kEntryPrefix) + BigEndian(number); }

Key SizeKey(uint64_t size_bytes, uint64_t number) {
  return std::string(kSizePrefix) + BigEndian(~size_bytes) + BigEndian(number);
}

std::string EncodeEntry(const TreeEntry& entry) {
  std::string value;
  AppendLittle(value, entry.parent);
  AppendLittle(value, entry.size_bytes);
  AppendLittle(value, entry.mtime_ns);
  AppendLittle(value, entry.mode);
  AppendLittle(value, static_cast<uint8_t>(entry.type));
  value += entry.name;
  return value;
}

absl::StatusOr<TreeEntry> DecodeEntry(uint64_t number, std::string_view value) {
  if (value.size() < kEntryHeadBytes) {
    return Error(ErrorCode::file_corrupt, "entry " + std::to_string(number) + " is too short");
  }
  TreeEntry entry{.number = number};
  entry.parent = TakeLittle<uint64_t>(value);
  entry.size_bytes = TakeLittle<uint64_t>(value);
  entry.mtime_ns = TakeLittle<int64_t>(value);
  entry.mode = TakeLittle<uint32_t>(value);
  entry.type = static_cast<EntryType>(TakeLittle<uint8_t>(value));
  entry.name = std::string(value);
  return entry;
}

absl::Status BadPath(const std::string& path, const char* why) {
  return Error(ErrorCode::invalid_argument, path + ": " + why);
}

absl::StatusOr<std::vector<std::string>> PartsOf(const std::string& path) {
  if (path.empty() || path[0] != '/') return BadPath(path, "a path begins with /");
  std::vector<std::string> parts;
  for (size_t at = 1; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    parts.push_back(path.substr(at, end - at));
    if (parts.back().empty() || parts.back() == "." || parts.back() == "..") {
      return BadPath(path, "a path has no empty part, no . and no ..");
    }
    at = end + 1;
  }
  return parts;
}

TreeEntry Root() {
  return {.number = kRootNumber, .parent = 0, .name = {}, .type = EntryType::kDirectory};
}

Task<absl::StatusOr<std::optional<TreeEntry>>> FindChild(Transaction& tr, uint64_t parent,
                                                         std::string name) {
  CO_ASSIGN_OR_RETURN(const std::optional<std::string> child,
                      co_await tr.Get(ChildKey(parent, name)));
  if (!child.has_value() || child->size() < kNumberBytes) co_return std::nullopt;
  std::string_view bytes = *child;
  co_return co_await GetEntry(tr, TakeLittle<uint64_t>(bytes));
}

}  // namespace

Task<absl::StatusOr<uint64_t>> TakeNumbers(Transaction& tr, uint64_t count) {
  CO_ASSIGN_OR_RETURN(const std::optional<std::string> next, co_await tr.Get(Key(kNextKey)));
  uint64_t first = kRootNumber + 1;
  if (next.has_value() && next->size() == kNumberBytes) {
    std::string_view bytes = *next;
    first = TakeLittle<uint64_t>(bytes);
  }
  std::string value;
  AppendLittle(value, first + count);
  CO_RETURN_IF_ERROR(tr.Set(kNextKey, value));
  co_return first;
}

absl::Status PutEntry(Transaction& tr, const TreeEntry& entry) {
  std::string child;
  AppendLittle(child, entry.number);
  AppendLittle(child, static_cast<uint8_t>(entry.type));
  RETURN_IF_ERROR(tr.Set(ChildKey(entry.parent, entry.name), child));
  RETURN_IF_ERROR(tr.Set(EntryKey(entry.number), EncodeEntry(entry)));
  if (entry.type != EntryType::kFile) return absl::OkStatus();
  return tr.Set(SizeKey(entry.size_bytes, entry.number), "");
}

Task<absl::StatusOr<std::optional<TreeEntry>>> GetEntry(Transaction& tr, uint64_t number) {
  if (number == kRootNumber) co_return Root();
  CO_ASSIGN_OR_RETURN(const std::optional<std::string> value, co_await tr.Get(EntryKey(number)));
  if (!value.has_value()) co_return std::nullopt;
  CO_ASSIGN_OR_RETURN(TreeEntry entry, DecodeEntry(number, *value));
  co_return std::move(entry);
}

Task<absl::StatusOr<std::optional<TreeEntry>>> FindEntry(Transaction& tr, std::string path) {
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> parts, PartsOf(path));
  TreeEntry entry = Root();
  for (const std::string& part : parts) {
    CO_ASSIGN_OR_RETURN(std::optional<TreeEntry> child, co_await FindChild(tr, entry.number, part));
    if (!child.has_value()) co_return std::nullopt;
    entry = *std::move(child);
  }
  co_return std::move(entry);
}

Task<absl::StatusOr<TreeEntry>> MakeDirectories(Transaction& tr, std::string path) {
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> parts, PartsOf(path));
  TreeEntry entry = Root();
  for (const std::string& part : parts) {
    CO_ASSIGN_OR_RETURN(std::optional<TreeEntry> child, co_await FindChild(tr, entry.number, part));
    if (!child.has_value()) {
      CO_ASSIGN_OR_RETURN(const uint64_t number, co_await TakeNumbers(tr, 1));
      child = TreeEntry{.number = number,
                        .parent = entry.number,
                        .name = part,
                        .type = EntryType::kDirectory,
                        .mode = 0040755};
      CO_RETURN_IF_ERROR(PutEntry(tr, *child));
    }
    if (child->type != EntryType::kDirectory) co_return BadPath(path, "is not a directory");
    entry = *std::move(child);
  }
  co_return std::move(entry);
}

Task<absl::StatusOr<ChildPage>> ListChildren(Transaction& tr, uint64_t parent, std::string after,
                                             int32_t rows_max) {
  const std::string prefix = ChildKey(parent, "");
  const KeyRange range{after.empty() ? prefix : KeyAfter(prefix + after), ChildKey(parent + 1, "")};
  CO_ASSIGN_OR_RETURN(const RangeResult rows, co_await tr.GetRange(range, {.rows = rows_max}));
  ChildPage page;
  page.more = rows.more;
  for (const auto& row : rows.rows) {
    if (row.value.size() != kNumberBytes + 1) {
      co_return Error(ErrorCode::file_corrupt, "a row of the parent-child index");
    }
    std::string_view bytes = row.value;
    const auto number = TakeLittle<uint64_t>(bytes);
    page.children.push_back(
        {std::string(row.key.substr(prefix.size())), number, static_cast<EntryType>(bytes[0])});
  }
  co_return page;
}

Task<absl::StatusOr<std::string>> PathOf(Transaction& tr, TreeEntry entry) {
  std::string path;
  while (entry.number != kRootNumber) {
    path = "/" + entry.name + path;
    CO_ASSIGN_OR_RETURN(std::optional<TreeEntry> parent, co_await GetEntry(tr, entry.parent));
    if (!parent.has_value()) {
      co_return Error(ErrorCode::file_corrupt, path + ": its directory has no row");
    }
    entry = *std::move(parent);
  }
  co_return path.empty() ? "/" : path;
}

Task<absl::Status> MoveEntry(Transaction& tr, std::string from, std::string to) {
  CO_ASSIGN_OR_RETURN(std::optional<TreeEntry> entry, co_await FindEntry(tr, from));
  if (!entry.has_value()) co_return BadPath(from, "there is no such entry");
  if (entry->number == kRootNumber) co_return BadPath(from, "the root stays where it is");
  CO_ASSIGN_OR_RETURN(const std::optional<TreeEntry> there, co_await FindEntry(tr, to));
  if (there.has_value()) co_return BadPath(to, "there is something already");
  const size_t slash = to.rfind('/');
  CO_ASSIGN_OR_RETURN(const std::optional<TreeEntry> parent,
                      co_await FindEntry(tr, slash == 0 ? "/" : to.substr(0, slash)));
  if (!parent.has_value() || parent->type != EntryType::kDirectory) {
    co_return BadPath(to, "its directory is not there");
  }
  for (TreeEntry above = *parent; above.number != kRootNumber;) {
    if (above.number == entry->number) co_return BadPath(to, "lies inside of what is to be moved");
    CO_ASSIGN_OR_RETURN(const std::optional<TreeEntry> next, co_await GetEntry(tr, above.parent));
    if (!next.has_value()) co_return Error(ErrorCode::file_corrupt, to + ": a directory's row");
    above = *next;
  }
  CO_RETURN_IF_ERROR(tr.Clear(ChildKey(entry->parent, entry->name)));
  entry->parent = parent->number;
  entry->name = to.substr(slash + 1);
  co_return PutEntry(tr, *entry);
}

Task<absl::StatusOr<std::vector<TreeEntry>>> LargestFiles(Transaction& tr, int32_t count) {
  const KeyRange range{Key(kSizePrefix), PrefixEnd(kSizePrefix)};
  CO_ASSIGN_OR_RETURN(const RangeResult rows, co_await tr.GetRange(range, {.rows = count}));
  std::vector<TreeEntry> files;
  for (const auto& row : rows.rows) {
    const uint64_t number = FromBigEndian(row.key.substr(row.key.size() - kNumberBytes));
    CO_ASSIGN_OR_RETURN(std::optional<TreeEntry> entry, co_await GetEntry(tr, number));
    if (!entry.has_value()) co_return Error(ErrorCode::file_corrupt, "a row of the size index");
    files.push_back(*std::move(entry));
  }
  co_return files;
}

Task<absl::StatusOr<CountPage>> CountEntries(Transaction& tr, uint64_t after) {
  const KeyRange range{EntryKey(after + 1), PrefixEnd(kEntryPrefix)};
  CO_ASSIGN_OR_RETURN(const RangeResult rows, co_await tr.GetRange(range, {.rows = 10'000}));
  CountPage page{.counted = rows.rows.size(), .last = after, .more = rows.more};
  if (!rows.rows.empty()) {
    const auto& key = rows.rows.back().key;
    page.last = FromBigEndian(key.substr(key.size() - kNumberBytes));
  }
  co_return page;
}

}  // namespace orrery::tools
