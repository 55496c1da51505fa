// Every count and length is checked against the bytes that are left before anything is allocated.
#include "storage/log/mutation_codec.h"

#include "core/base/error_codes.h"
#include "core/base/invariant.h"

namespace orrery {

namespace {

constexpr uint16_t kMagic = 0x424d;
constexpr size_t kCountOffset = 4;
constexpr size_t kMutationBytesMin = 4;  // A type, no tags, an empty key, an empty value.
constexpr size_t kTagBytesMin = 2;

}  // namespace

MutationBatchWriter::MutationBatchWriter() {
  AppendFixed<uint16_t>(bytes_, kMagic);
  AppendFixed<uint8_t>(bytes_, kMutationBatchFormat);
  AppendFixed<uint8_t>(bytes_, kMutationBatchFormat);
  AppendFixed<uint32_t>(bytes_, 0);  // Finish puts the count here.
}

void MutationBatchWriter::Add(std::span<const Tag> tags, const MutationRef& mutation) {
  INVARIANT(count_ < UINT32_MAX);
  ++count_;
  AppendFixed<uint8_t>(bytes_, static_cast<uint8_t>(mutation.type));
  AppendVarint(bytes_, tags.size());
  for (const Tag& tag : tags) {
    AppendFixed<uint8_t>(bytes_, static_cast<uint8_t>(tag.kind));
    AppendVarint(bytes_, tag.id);
  }
  AppendPrefixed(bytes_, mutation.key);
  AppendPrefixed(bytes_, mutation.value);
}

std::string MutationBatchWriter::Finish() && {
  std::string count;
  AppendFixed<uint32_t>(count, count_);
  bytes_.replace(kCountOffset, count.size(), count);
  return std::move(bytes_);
}

absl::StatusOr<MutationBatchReader> MutationBatchReader::Open(std::string_view bytes) {
  ByteReader reader(bytes);
  uint16_t magic = 0;
  uint8_t written_by = 0;
  uint8_t minimum = 0;
  uint32_t count = 0;
  if (!reader.ReadFixed16(magic) || magic != kMagic || !reader.ReadFixed8(written_by) ||
      !reader.ReadFixed8(minimum) || minimum == 0 || minimum > written_by) {
    return Error(ErrorCode::file_corrupt, "not a batch of mutations");
  }
  if (minimum > kMutationBatchFormat) {
    return Error(ErrorCode::protocol_mismatch, "a batch of mutations of a newer format");
  }
  const bool has_count = reader.ReadFixed32(count);
  const size_t rest = reader.rest().size();
  if (!has_count || count > rest / kMutationBytesMin || (count == 0 && rest > 0)) {
    return Error(ErrorCode::file_corrupt, "a batch of mutations with a wrong count");
  }
  return MutationBatchReader(reader, count);
}

bool MutationBatchReader::ReadTags() {
  uint64_t count = 0;
  if (!reader_.ReadVarint(count) || count > reader_.rest().size() / kTagBytesMin) return false;
  tags_.resize(count);
  for (Tag& tag : tags_) {
    uint8_t kind = 0;
    uint64_t id = 0;
    if (!reader_.ReadFixed8(kind) || !reader_.ReadVarint(id) || id > UINT32_MAX) return false;
    tag = {static_cast<TagKind>(kind), static_cast<uint32_t>(id)};
  }
  return true;
}

absl::Status MutationBatchReader::Next() {
  INVARIANT(remaining_ > 0);
  --remaining_;
  uint8_t type = 0;
  if (!reader_.ReadFixed8(type) || !IsMutationType(type) || !ReadTags() ||
      !reader_.ReadPrefixed(mutation_.key) || !reader_.ReadPrefixed(mutation_.value) ||
      (remaining_ == 0 && !reader_.AtEnd())) {
    return Error(ErrorCode::file_corrupt, "a mutation that does not decode");
  }
  mutation_.type = static_cast<MutationType>(type);
  return absl::OkStatus();
}

}  // namespace orrery
