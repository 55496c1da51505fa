// The map and its rows: each row is decoded whole before the map changes.
#include "txn/metadata/shard_map.h"

#include <cstdint>
#include <iterator>
#include <utility>

#include "core/base/encoding.h"
#include "core/base/error_codes.h"
#include "core/base/invariant.h"
#include "core/base/status.h"

namespace orrery {

namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kTagBytesMin = 2;

std::string RowKey(KeyRef begin) { return std::string(kShardMapPrefix).append(begin); }

Mutation SetRow(KeyRef begin, const Shard& shard) {
  return {MutationType::kSet, RowKey(begin), EncodeShard(shard)};
}

void AppendTags(std::string& out, const std::vector<Tag>& tags) {
  AppendVarint(out, tags.size());
  for (const Tag& tag : tags) {
    AppendFixed<uint8_t>(out, static_cast<uint8_t>(tag.kind));
    AppendVarint(out, tag.id);
  }
}

bool ReadTags(ByteReader& reader, std::vector<Tag>& tags) {
  uint64_t count = 0;
  if (!reader.ReadVarint(count) || count > reader.rest().size() / kTagBytesMin) return false;
  tags.resize(count);
  for (Tag& tag : tags) {
    uint8_t kind = 0;
    uint64_t id = 0;
    if (!reader.ReadFixed8(kind) || !reader.ReadVarint(id) || id > UINT32_MAX) return false;
    tag = {static_cast<TagKind>(kind), static_cast<uint32_t>(id)};
  }
  return true;
}

}  // namespace

std::string EncodeShard(const Shard& shard) {
  std::string out;
  AppendFixed<uint8_t>(out, kFormat);
  AppendFixed<uint8_t>(out, kFormat);
  AppendTags(out, shard.team);
  AppendTags(out, shard.destination);
  return out;
}

absl::StatusOr<Shard> DecodeShard(std::string_view bytes) {
  ByteReader reader(bytes);
  uint8_t written_by = 0;
  uint8_t minimum = 0;
  Shard shard;
  if (!reader.ReadFixed8(written_by) || !reader.ReadFixed8(minimum)) {
    return Error(ErrorCode::file_corrupt, "a row of the shard map is cut short");
  }
  if (minimum > kFormat) {
    return Error(ErrorCode::protocol_mismatch, "a row of the shard map of a newer format");
  }
  if (!ReadTags(reader, shard.team) || !ReadTags(reader, shard.destination) || !reader.AtEnd()) {
    return Error(ErrorCode::file_corrupt, "a row of the shard map does not decode");
  }
  return shard;
}

ShardMap::ShardMap() { shards_.emplace(Key(), Shard()); }

ShardMap::Location ShardMap::At(Shards::const_iterator shard) const {
  const auto next = std::next(shard);
  const KeyRef end = next == shards_.end() ? KeyRef(kShardMapEnd) : KeyRef(next->first);
  return {{shard->first, end}, shard->second};
}

ShardMap::Shards::const_iterator ShardMap::ShardOf(KeyRef key) const {
  return std::prev(shards_.upper_bound(key));  // The shard of "" is never beyond.
}

ShardMap::Location ShardMap::Find(KeyRef key) const {
  INVARIANT(key < kShardMapEnd);
  return At(ShardOf(key));
}

ShardMap::Location ShardMap::FindBefore(KeyRef end) const {
  INVARIANT(!end.empty() && end <= kShardMapEnd);
  return At(std::prev(shards_.lower_bound(end)));
}

void ShardMap::ForEach(KeyRangeRef range, const std::function<bool(const Location&)>& visit) const {
  INVARIANT(range.end <= kShardMapEnd);
  if (range.empty()) return;
  for (auto it = ShardOf(range.begin); it != shards_.end() && it->first < range.end; ++it) {
    if (!visit(At(it))) return;
  }
}

std::vector<Mutation> ShardMap::Assign(KeyRangeRef range, const Shard& shard) const {
  INVARIANT(range.end <= kShardMapEnd);
  std::vector<Mutation> rows;
  if (range.empty()) return rows;
  if (range.end < kShardMapEnd) rows = Split(range.end);  // First: what is there is still known.
  if (shards_.upper_bound(range.begin) != shards_.lower_bound(range.end)) {
    rows.push_back({MutationType::kClearRange, RowKey(KeyAfter(range.begin)), RowKey(range.end)});
  }
  rows.push_back(SetRow(range.begin, shard));
  return rows;
}

std::vector<Mutation> ShardMap::Split(KeyRef key) const {
  const Location location = Find(key);
  if (location.range.begin == key) return {};
  return {SetRow(key, location.shard)};
}

std::vector<Mutation> ShardMap::Coalesce(KeyRangeRef range) const {
  INVARIANT(range.begin <= range.end && range.end <= kShardMapEnd);
  std::vector<Mutation> rows;
  for (auto it = shards_.lower_bound(range.begin); it != shards_.end() && it->first <= range.end;
       ++it) {
    if (it == shards_.begin() || std::prev(it)->second != it->second) continue;
    const std::string row = RowKey(it->first);
    rows.push_back({MutationType::kClearRange, row, KeyAfter(row)});
  }
  return rows;
}

std::vector<Mutation> ShardMap::Rows() const {
  std::vector<Mutation> rows;
  for (const auto& [begin, shard] : shards_) rows.push_back(SetRow(begin, shard));
  return rows;
}

bool ShardMap::IsRow(KeyRangeRef range) {
  const Key end = PrefixEnd(kShardMapPrefix);
  return range.Intersects({kShardMapPrefix, end});
}

absl::Status ShardMap::Apply(const MutationRef& mutation) {
  if (mutation.type == MutationType::kClearRange) {
    if (!IsRow({mutation.key, mutation.value})) return absl::OkStatus();
    if (mutation.key <= kShardMapPrefix) {
      return Error(ErrorCode::client_invalid_operation, "the first shard cannot be cleared");
    }
    // The range begins within the rows, and may end beyond them.
    const auto first = shards_.lower_bound(mutation.key.substr(kShardMapPrefix.size()));
    const auto last = mutation.value.starts_with(kShardMapPrefix)
                          ? shards_.lower_bound(mutation.value.substr(kShardMapPrefix.size()))
                          : shards_.end();
    shards_.erase(first, last);
    return absl::OkStatus();
  }
  if (!mutation.key.starts_with(kShardMapPrefix)) return absl::OkStatus();
  const KeyRef begin = mutation.key.substr(kShardMapPrefix.size());
  if (mutation.type != MutationType::kSet || begin >= kShardMapEnd) {
    return Error(ErrorCode::client_invalid_operation,
                 "a row of the shard map is set or cleared, and begins within the key space");
  }
  ASSIGN_OR_RETURN(Shard shard, DecodeShard(mutation.value));
  shards_.insert_or_assign(Key(begin), std::move(shard));
  return absl::OkStatus();
}

}  // namespace orrery
