// Writes of a transaction, and what its limits are.
#include <algorithm>
#include <utility>

#include "storage/log/atomic_operations.h"
#include "txn/client/transaction_impl.h"
#include "txn/client/versionstamp_range.h"
#include "txn/proxy/transaction_codec.h"

namespace orrery {
namespace {

constexpr std::string_view kSystemKeys = "\xff";
constexpr std::string_view kSystemKeysEnd = "\xff\xff";

// At the end of a versionstamped key or value: where the stamp goes.
constexpr size_t kStampPositionBytes = 4;

size_t KeyLimit(KeyRef key) {
  return key.starts_with(kSystemKeys) ? kSystemKeyBytesMax : kKeyBytesMax;
}

KeyRef CutBound(KeyRef key) { return key.substr(0, KeyLimit(key) + 1); }

}  // namespace

Key Transaction::Impl::WriteEnd() const {
  return Key(options_.access_system_keys ? kSystemKeysEnd : kSystemKeys);
}

WriteMap& Transaction::Impl::Writes() {
  if (writes_ == nullptr) {
    writes_ = std::make_shared<WriteMap>();
  } else if (writes_.use_count() > 1) {
    writes_ = std::make_shared<WriteMap>(*writes_);
  }
  return *writes_;
}

bool Transaction::Impl::TakeNextWriteConflicts() {
  return !std::exchange(options_.next_write_no_conflict, false);
}

absl::Status Transaction::Impl::CheckWrite(KeyRef key, size_t key_bytes, size_t value_bytes) const {
  RETURN_IF_ERROR(CheckUsable());
  if (key >= kSystemKeys && key >= WriteEnd()) return Error(ErrorCode::key_outside_legal_range);
  if (key_bytes > KeyLimit(key)) return Error(ErrorCode::key_too_large);
  if (value_bytes > kValueBytesMax) return Error(ErrorCode::value_too_large);
  return absl::OkStatus();
}

absl::Status Transaction::Impl::Set(KeyRef key, std::string_view value) {
  RETURN_IF_ERROR(CheckWrite(key, key.size(), value.size()));
  if (TakeNextWriteConflicts()) write_conflicts_.AddKey(key);
  Writes().Write(MutationType::kSet, key, value);
  return absl::OkStatus();
}

absl::Status Transaction::Impl::Atomic(MutationType type, KeyRef key, std::string_view operand) {
  RETURN_IF_ERROR(CheckUsable());
  if (type == MutationType::kSet || type == MutationType::kClearRange ||
      !IsMutationType(static_cast<uint8_t>(type))) {
    return Error(ErrorCode::invalid_mutation_type);
  }
  if (type == MutationType::kSetVersionstampedKey) return SetVersionstampedKey(key, operand);
  const bool stamped = type == MutationType::kSetVersionstampedValue;
  const size_t not_kept = stamped ? std::min(operand.size(), kStampPositionBytes) : 0;
  RETURN_IF_ERROR(CheckWrite(key, key.size(), operand.size() - not_kept));
  RETURN_IF_ERROR(CheckVersionstamped({type, key, operand}));
  if (TakeNextWriteConflicts()) write_conflicts_.AddKey(key);
  Writes().Write(type, key, operand);
  return absl::OkStatus();
}

absl::Status Transaction::Impl::SetVersionstampedKey(KeyRef key, std::string_view value) {
  const size_t not_kept = std::min(key.size(), kStampPositionBytes);
  RETURN_IF_ERROR(CheckWrite(key, key.size() - not_kept, value.size()));
  RETURN_IF_ERROR(CheckVersionstamped({MutationType::kSetVersionstampedKey, key, value}));
  KeyRange stamped = VersionstampRange(key, read_version_.value_or(0), WriteEnd());
  stamped_keys_.emplace_back(Key(key), TakeNextWriteConflicts());
  Writes().WriteVersionstampedKey(key, value, std::move(stamped));
  return absl::OkStatus();
}

absl::Status Transaction::Impl::ClearKey(KeyRef key) {
  RETURN_IF_ERROR(CheckWrite(key, 0, 0));
  const bool conflicts = TakeNextWriteConflicts();
  if (key.size() > KeyLimit(key)) return absl::OkStatus();
  if (conflicts) write_conflicts_.AddKey(key);
  const Key after = KeyAfter(key);
  Writes().Clear({key, after});
  return absl::OkStatus();
}

absl::Status Transaction::Impl::Clear(KeyRangeRef range) {
  ASSIGN_OR_RETURN(const KeyRange cut, CheckConflictRange(range, WriteEnd()));
  const bool conflicts = TakeNextWriteConflicts();
  if (cut.begin >= cut.end) return absl::OkStatus();
  if (conflicts) write_conflicts_.Add(cut);
  Writes().Clear(cut);
  return absl::OkStatus();
}

absl::StatusOr<KeyRange> Transaction::Impl::CheckConflictRange(KeyRangeRef range,
                                                               KeyRef end) const {
  RETURN_IF_ERROR(CheckUsable());
  if (range.begin > range.end) return Error(ErrorCode::inverted_range);
  if (range.end > end) return Error(ErrorCode::key_outside_legal_range);
  return KeyRange{Key(CutBound(range.begin)), Key(CutBound(range.end))};
}

absl::Status Transaction::Impl::AddReadConflictRange(KeyRangeRef range) {
  ASSIGN_OR_RETURN(const KeyRange cut, CheckConflictRange(range, ReadEnd()));
  AddReadConflictOf(options_.read_your_writes ? writes_.get() : nullptr, cut);
  return absl::OkStatus();
}

absl::Status Transaction::Impl::AddWriteConflictRange(KeyRangeRef range) {
  ASSIGN_OR_RETURN(const KeyRange cut, CheckConflictRange(range, WriteEnd()));
  write_conflicts_.Add(cut);
  return absl::OkStatus();
}

}  // namespace orrery
