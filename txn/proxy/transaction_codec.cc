// Field by field, and the limits.
#include "txn/proxy/transaction_codec.h"

#include "core/base/encoding.h"
#include "storage/log/atomic_operations.h"
#include "txn/proxy/commit_ids.h"

namespace orrery {
namespace {

constexpr uint16_t kMagic = 0x5854;
constexpr uint8_t kFormat = 1;
constexpr uint8_t kMinimum = 1;

constexpr std::string_view kSystemKeys = "\xff";
constexpr std::string_view kEndOfKeys = "\xff\xff";
constexpr size_t kStampPositionBytes = 4;

// The least that a range or a mutation takes in the encoding: no count is believed beyond.
constexpr size_t kEntryBytesMin = 2;

bool IsAttempt(const KeyRangeRef& range) { return range.begin.starts_with(kAttemptPrefix); }

bool ReadRanges(ByteReader& reader, uint64_t count, std::vector<KeyRangeRef>& ranges) {
  if (count > reader.rest().size() / kEntryBytesMin) return false;
  ranges.resize(count);
  for (KeyRangeRef& range : ranges) {
    if (!reader.ReadPrefixed(range.begin) || !reader.ReadPrefixed(range.end)) return false;
  }
  return true;
}

bool ReadMutations(ByteReader& reader, uint64_t count, std::vector<MutationRef>& mutations) {
  if (count > reader.rest().size() / kEntryBytesMin) return false;
  mutations.resize(count);
  for (MutationRef& mutation : mutations) {
    uint8_t type = 0;
    if (!reader.ReadFixed8(type) || !IsMutationType(type) || !reader.ReadPrefixed(mutation.key) ||
        !reader.ReadPrefixed(mutation.value)) {
      return false;
    }
    mutation.type = static_cast<MutationType>(type);
  }
  return true;
}

size_t KeyLimit(KeyRef key) {
  return key.starts_with(kSystemKeys) ? kSystemKeyBytesMax : kKeyBytesMax;
}

absl::Status CheckRange(const KeyRangeRef& range, KeyRef end) {
  if (range.begin > range.end) return Error(ErrorCode::inverted_range);
  if (range.end > end) return Error(ErrorCode::key_outside_legal_range);
  // An end is a key, or the first one after a key.
  if (range.begin.size() > KeyLimit(range.begin) + 1 ||
      range.end.size() > KeyLimit(range.end) + 1) {
    return Error(ErrorCode::key_too_large);
  }
  return absl::OkStatus();
}

absl::Status CheckMutation(const MutationRef& mutation, KeyRef end) {
  if (mutation.type == MutationType::kClearRange) {
    return CheckRange({mutation.key, mutation.value}, end);
  }
  if (mutation.key >= end) return Error(ErrorCode::key_outside_legal_range);
  RETURN_IF_ERROR(CheckVersionstamped(mutation));
  const bool stamped_key = mutation.type == MutationType::kSetVersionstampedKey;
  const bool stamped_value = mutation.type == MutationType::kSetVersionstampedValue;
  if (mutation.key.size() > KeyLimit(mutation.key) + (stamped_key ? kStampPositionBytes : 0)) {
    return Error(ErrorCode::key_too_large);
  }
  if (mutation.value.size() > kValueBytesMax + (stamped_value ? kStampPositionBytes : 0)) {
    return Error(ErrorCode::value_too_large);
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodeTransaction(const CommitTransactionRef& transaction) {
  constexpr size_t kHeadBytes = 64;
  constexpr size_t kEntryBytesMax = 11;
  std::string out;
  out.reserve(kHeadBytes + TransactionBytes(transaction) +
              kEntryBytesMax * (transaction.reads.size() + transaction.writes.size() +
                                transaction.mutations.size()));
  AppendFixed<uint16_t>(out, kMagic);
  AppendFixed<uint8_t>(out, kFormat);
  AppendFixed<uint8_t>(out, kMinimum);
  AppendFixed<uint64_t>(out, static_cast<uint64_t>(transaction.read_version));
  AppendVarint(out, transaction.reads.size());
  AppendVarint(out, transaction.writes.size());
  AppendVarint(out, transaction.mutations.size());
  for (const auto* ranges : {&transaction.reads, &transaction.writes}) {
    for (const KeyRangeRef& range : *ranges) {
      AppendPrefixed(out, range.begin);
      AppendPrefixed(out, range.end);
    }
  }
  for (const MutationRef& mutation : transaction.mutations) {
    AppendFixed<uint8_t>(out, static_cast<uint8_t>(mutation.type));
    AppendPrefixed(out, mutation.key);
    AppendPrefixed(out, mutation.value);
  }
  return out;
}

absl::StatusOr<CommitTransactionRef> DecodeTransaction(std::string_view bytes) {
  ByteReader reader(bytes);
  uint16_t magic = 0;
  uint8_t written_by = 0;
  uint8_t minimum = 0;
  if (!reader.ReadFixed16(magic) || !reader.ReadFixed8(written_by) || !reader.ReadFixed8(minimum) ||
      magic != kMagic || minimum == 0 || minimum > written_by) {
    return Error(ErrorCode::invalid_argument, "not a transaction");
  }
  if (minimum > kFormat) {
    return Error(ErrorCode::protocol_mismatch, "a transaction of a newer format");
  }
  CommitTransactionRef transaction;
  uint64_t read_version = 0;
  uint64_t reads = 0;
  uint64_t writes = 0;
  uint64_t mutations = 0;
  if (!reader.ReadFixed64(read_version) || !reader.ReadVarint(reads) ||
      !reader.ReadVarint(writes) || !reader.ReadVarint(mutations) ||
      !ReadRanges(reader, reads, transaction.reads) ||
      !ReadRanges(reader, writes, transaction.writes) ||
      !ReadMutations(reader, mutations, transaction.mutations) || !reader.AtEnd()) {
    return Error(ErrorCode::invalid_argument, "a transaction does not parse");
  }
  transaction.read_version = static_cast<Version>(read_version);
  if (transaction.read_version < kInvalidVersion ||
      (transaction.read_version == kInvalidVersion && reads != 0)) {
    return Error(ErrorCode::invalid_argument, "a transaction with reads has no read version");
  }
  return transaction;
}

size_t TransactionBytes(const CommitTransactionRef& transaction) {
  size_t bytes = 0;
  for (const auto* ranges : {&transaction.reads, &transaction.writes}) {
    for (const KeyRangeRef& range : *ranges) {
      if (!IsAttempt(range)) bytes += range.begin.size() + range.end.size();
    }
  }
  for (const MutationRef& mutation : transaction.mutations) {
    bytes += mutation.key.size() + mutation.value.size();
  }
  return bytes;
}

absl::Status CheckTransaction(const CommitTransactionRef& transaction, bool access_system_keys) {
  const KeyRef end = access_system_keys ? kEndOfKeys : kSystemKeys;
  for (const KeyRangeRef& range : transaction.reads) {
    RETURN_IF_ERROR(CheckRange(range, kEndOfKeys));  // Reading system keys needs no right here.
  }
  for (const KeyRangeRef& range : transaction.writes) {
    RETURN_IF_ERROR(CheckRange(range, IsAttempt(range) ? kEndOfKeys : end));
  }
  for (const MutationRef& mutation : transaction.mutations) {
    RETURN_IF_ERROR(CheckMutation(mutation, end));
  }
  if (TransactionBytes(transaction) > kTransactionBytesMax) {
    return Error(ErrorCode::transaction_too_large);
  }
  return absl::OkStatus();
}

}  // namespace orrery
