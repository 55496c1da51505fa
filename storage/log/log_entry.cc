// Fixed-width headers before the batch, which is kept as it came.
#include "storage/log/log_entry.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/base/fixed.h"
#include "storage/log/mutation_codec.h"

namespace orrery {
namespace {

constexpr uint8_t kVersionKind = 1;
constexpr uint8_t kPopsKind = 2;

bool ReadVersion(ByteReader& reader, Version& version) {
  uint64_t number = 0;
  if (!reader.ReadFixed64(number)) return false;
  version = static_cast<Version>(number);
  return true;
}

bool ReadPops(ByteReader& reader, LogPops& pops) {
  uint32_t count = 0;
  if (!reader.ReadFixed32(count)) return false;
  for (; count > 0; --count) {
    uint8_t kind = 0;
    uint32_t id = 0;
    Version popped = 0;
    if (!reader.ReadFixed8(kind) || !reader.ReadFixed32(id) || !ReadVersion(reader, popped)) {
      return false;
    }
    pops.emplace_back(Tag{static_cast<TagKind>(kind), id}, popped);
  }
  return reader.AtEnd();
}

}  // namespace

Buffer EncodeLogEntry(const LogVersionEntry& entry) {
  MutableBuffer out(kLogEntryHeaderBytes + entry.batch.size());
  PutFixed(out.data(), kVersionKind);
  PutFixed(out.data() + 1, static_cast<uint64_t>(entry.version));
  PutFixed(out.data() + 9, static_cast<uint64_t>(entry.previous));
  PutFixed(out.data() + 17, static_cast<uint64_t>(entry.known_committed));
  entry.batch.copy(out.data() + kLogEntryHeaderBytes, entry.batch.size());
  return std::move(out).Freeze(kLogEntryHeaderBytes + entry.batch.size());
}

std::string EncodeLogEntry(const LogPops& pops) {
  std::string out;
  AppendFixed<uint8_t>(out, kPopsKind);
  AppendFixed<uint32_t>(out, static_cast<uint32_t>(pops.size()));
  for (const auto& [tag, popped] : pops) {
    AppendFixed<uint8_t>(out, static_cast<uint8_t>(tag.kind));
    AppendFixed<uint32_t>(out, tag.id);
    AppendFixed<uint64_t>(out, static_cast<uint64_t>(popped));
  }
  return out;
}

absl::StatusOr<std::variant<LogVersionEntry, LogPops>> DecodeLogEntry(std::string_view bytes) {
  ByteReader reader(bytes);
  uint8_t kind = 0;
  if (reader.ReadFixed8(kind) && kind == kVersionKind) {
    LogVersionEntry entry;
    if (ReadVersion(reader, entry.version) && ReadVersion(reader, entry.previous) &&
        ReadVersion(reader, entry.known_committed)) {
      entry.batch = reader.rest();
      return entry;
    }
  } else if (kind == kPopsKind) {
    LogPops pops;
    if (ReadPops(reader, pops)) return pops;
  }
  return Error(ErrorCode::file_corrupt, "not an entry of a log");
}

absl::StatusOr<BatchTags> TagsOfBatch(std::string_view batch) {
  BatchTags found;
  if (batch.empty()) return found;
  ASSIGN_OR_RETURN(MutationBatchReader reader, MutationBatchReader::Open(batch));
  std::vector<Tag> last;
  for (bool first = true; reader.remaining() > 0; first = false) {
    RETURN_IF_ERROR(reader.Next());
    const std::span<const Tag> tags = reader.tags();
    if (!first && std::ranges::equal(tags, last)) continue;
    found.one_tag_set = first;
    last.assign(tags.begin(), tags.end());
    for (const Tag& tag : tags) {
      const auto at = std::lower_bound(found.tags.begin(), found.tags.end(), tag);
      if (at == found.tags.end() || *at != tag) found.tags.insert(at, tag);
    }
  }
  return found;
}

absl::StatusOr<std::string> FilterBatch(std::string_view batch, Tag tag) {
  ASSIGN_OR_RETURN(MutationBatchReader reader, MutationBatchReader::Open(batch));
  MutationBatchWriter writer;
  while (reader.remaining() > 0) {
    RETURN_IF_ERROR(reader.Next());
    if (std::ranges::find(reader.tags(), tag) != reader.tags().end()) {
      writer.Add(reader.tags(), reader.mutation());
    }
  }
  return std::move(writer).Finish();
}

}  // namespace orrery
