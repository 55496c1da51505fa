// Transaction::Impl: the state of one transaction. Private to txn/client.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/async/notify.h"
#include "core/async/timeout.h"
#include "txn/client/client_backoff.h"
#include "txn/client/conflict_ranges.h"
#include "txn/client/database_core.h"
#include "txn/client/transaction.h"
#include "txn/client/write_map.h"

namespace orrery {

class Transaction::Impl {
 public:
  explicit Impl(std::shared_ptr<DatabaseCore> core);

  TransactionOptions& options() { return options_; }

  // Reads.
  Task<absl::StatusOr<Version>> ReadVersion();
  absl::Status SetReadVersion(Version version);
  Task<absl::StatusOr<std::optional<std::string>>> Get(Key key, bool snapshot);
  Task<absl::StatusOr<Key>> GetKey(KeySelector selector, bool snapshot);
  Task<absl::StatusOr<RangeResult>> GetRange(KeySelector begin, KeySelector end,
                                             RangeOptions options);
  Task<absl::StatusOr<uint64_t>> EstimateBytes(KeyRange range);
  Task<absl::StatusOr<std::vector<Key>>> SplitPoints(KeyRange range, uint64_t chunk_bytes);
  Task<absl::StatusOr<std::vector<std::string>>> AddressesOf(Key key);

  // Writes.
  absl::Status Set(KeyRef key, std::string_view value);
  absl::Status Clear(KeyRangeRef range);
  absl::Status ClearKey(KeyRef key);
  absl::Status Atomic(MutationType type, KeyRef key, std::string_view operand);
  absl::Status AddReadConflictRange(KeyRangeRef range);
  absl::Status AddWriteConflictRange(KeyRangeRef range);

  // The end.
  Task<absl::StatusOr<CommitResult>> Commit();
  Future<absl::StatusOr<std::string>> GetVersionstamp();
  Task<absl::Status> OnError(absl::Status error);
  void Reset();
  void Cancel();
  size_t ApproximateBytes();
  const std::vector<KeyRange>& conflicting_ranges() const { return conflicting_ranges_; }

  // `task`, cut short at the transaction's timeout.
  template <class T>
  Task<absl::StatusOr<T>> Bounded(Task<absl::StatusOr<T>> task);

 private:
  // A read under way: Commit waits for it, and a Reset or Cancel since makes it fail.
  class Reading;

  absl::Status CheckUsable() const;  // For calls that read or write.
  Time Deadline() const;
  Key ReadEnd() const;  // Keys at or above it must not be read.
  absl::Status CheckWrite(KeyRef key, size_t key_bytes, size_t value_bytes) const;
  absl::StatusOr<KeyRange> CheckConflictRange(KeyRangeRef range, KeyRef end) const;
  Key WriteEnd() const;
  bool SeesOwnWrites(bool snapshot) const;
  WriteMap& Writes();  // For writing: a copy, if a read under way uses it.
  bool TakeNextWriteConflicts();
  absl::Status SetVersionstampedKey(KeyRef key, std::string_view value);

  Task<absl::StatusOr<Version>> AskForReadVersion();
  Task<absl::StatusOr<Key>> Resolve(KeySelector selector, bool snapshot);
  Task<absl::StatusOr<RangeResult>> ReadRows(KeyRange range, ReadLimits limits,
                                             RangeOptions options);
  void AddReadConflictOf(const WriteMap* own, KeyRangeRef range);

  Task<absl::StatusOr<CommitResult>> DoCommit();
  Task<absl::StatusOr<CommitResult>> SendCommit();
  void FinishVersionstamps(const absl::StatusOr<CommitResult>& result);
  void ResetForRetry();

  const std::shared_ptr<DatabaseCore> core_;
  TransactionOptions options_;
  Time began_;
  ClientBackoff backoff_;
  int32_t retries_ = 0;

  uint64_t life_ = 0;  // Changed by Reset, OnError and Cancel: older reads are of no use.
  bool cancelled_ = false;
  bool committing_ = false;  // Commit was called.
  bool commit_sent_ = false;
  std::optional<Version> read_version_;
  bool asking_for_version_ = false;
  std::shared_ptr<WriteMap> writes_;  // nullptr: nothing was written.
  ConflictRanges read_conflicts_;
  ConflictRanges write_conflicts_;
  std::vector<std::pair<Key, bool>> stamped_keys_;  // And whether they conflict.
  std::vector<KeyRange> conflicting_ranges_;
  std::vector<Promise<absl::StatusOr<std::string>>> versionstamps_;
  size_t reading_ = 0;
  Notify changed_;  // A read ended, or who asks for the version.
};

class Transaction::Impl::Reading {
 public:
  explicit Reading(Impl& owner) : impl_(owner), life_(owner.life_) { ++impl_.reading_; }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() {
    if (--impl_.reading_ == 0) impl_.changed_.NotifyAll();
  }

  // To be asked after each wait.
  absl::Status Check() const {
    return impl_.life_ == life_ ? absl::OkStatus() : Error(ErrorCode::transaction_cancelled);
  }

 private:
  Impl& impl_;
  const uint64_t life_;
};

template <class T>
Task<absl::StatusOr<T>> Transaction::Impl::Bounded(Task<absl::StatusOr<T>> task) {
  Clock& clock = core_->env().clock();
  const Time deadline = Deadline();
  absl::StatusOr<T> result =
      co_await Timeout(clock, std::max(deadline - clock.Now(), Duration(0)), std::move(task));
  if (!result.ok() && CodeOf(result.status()) == ErrorCode::timed_out && clock.Now() >= deadline) {
    co_return Error(ErrorCode::transaction_timed_out);
  }
  co_return result;
}

}  // namespace orrery
