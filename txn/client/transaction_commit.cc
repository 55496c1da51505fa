// How a transaction ends: committed, tried again, or given up.
#include <algorithm>
#include <utility>

#include "storage/log/atomic_operations.h"
#include "txn/client/transaction_impl.h"
#include "txn/client/versionstamp_range.h"
#include "txn/proxy/commit_ids.h"
#include "txn/proxy/transaction_codec.h"

namespace orrery {
namespace {

constexpr size_t kBytesMaxMin = 32;  // The least that may be chosen as bytes_max.

size_t BytesOf(const std::vector<KeyRange>& ranges) {
  size_t bytes = 0;
  for (const KeyRange& range : ranges) bytes += range.begin.size() + range.end.size();
  return bytes;
}

}  // namespace

absl::Status Transaction::Impl::CheckUsable() const {
  if (cancelled_) return Error(ErrorCode::transaction_cancelled);
  if (committing_) return Error(ErrorCode::used_during_commit);
  return absl::OkStatus();
}

Time Transaction::Impl::Deadline() const {
  return options_.timeout > Duration(0) ? After(began_, options_.timeout) : kNever;
}

size_t Transaction::Impl::ApproximateBytes() {
  size_t bytes = BytesOf(read_conflicts_.Merged()) + BytesOf(write_conflicts_.Merged());
  if (writes_ != nullptr) bytes += writes_->bytes();
  return bytes;
}

Task<absl::StatusOr<CommitResult>> Transaction::Impl::Commit() {
  CO_RETURN_IF_ERROR(CheckUsable());
  if (options_.bytes_max < kBytesMaxMin || options_.bytes_max > kTransactionBytesMax) {
    co_return Error(ErrorCode::invalid_option_value, "bytes_max is out of its limits");
  }
  committing_ = true;
  commit_sent_ = false;
  const uint64_t life = life_;
  absl::StatusOr<CommitResult> result =
      Deadline() == kNever ? co_await DoCommit() : co_await Bounded(DoCommit());
  if (life != life_) co_return Error(ErrorCode::transaction_cancelled);
  if (!result.ok()) {
    const ErrorCode code = CodeOf(result.status());
    if (code == ErrorCode::transaction_timed_out && commit_sent_ && options_.exactly_once) {
      result = Error(ErrorCode::outcome_unknown);
    }
    if (code == ErrorCode::transaction_too_large) committing_ = false;
  }
  FinishVersionstamps(result);
  co_return result;
}

Task<absl::StatusOr<CommitResult>> Transaction::Impl::DoCommit() {
  const uint64_t life = life_;
  // What they tell may not be known to whoever decided to commit, but it is read all the same.
  while (reading_ > 0 && life == life_) co_await changed_.Wait();
  if (life != life_) co_return Error(ErrorCode::transaction_cancelled);
  const bool writes_nothing = writes_ == nullptr || writes_->mutations().empty();
  if (writes_nothing && write_conflicts_.empty()) co_return CommitResult();
  if (!read_version_.has_value() && (options_.exactly_once || !read_conflicts_.empty())) {
    CO_RETURN_IF_ERROR((co_await AskForReadVersion()).status());
  }
  for (const auto& [key, conflicts] : std::exchange(stamped_keys_, {})) {
    if (!conflicts) continue;
    write_conflicts_.Add(VersionstampRange(key, read_version_.value_or(0), WriteEnd()));
  }
  if (ApproximateBytes() > options_.bytes_max) co_return Error(ErrorCode::transaction_too_large);
  co_return co_await SendCommit();
}

Task<absl::StatusOr<CommitResult>> Transaction::Impl::SendCommit() {
  const uint64_t life = life_;
  const std::shared_ptr<const WriteMap> writes = writes_;  // A Cancel or Reset must not free it.
  const std::vector<KeyRange> reads = read_conflicts_.Merged();
  const std::vector<KeyRange> written = write_conflicts_.Merged();
  CommitOrder order;
  KeyRange attempt;
  CommitTransactionRef& transaction = order.transaction;
  transaction.read_version = read_version_.value_or(kInvalidVersion);
  transaction.reads.assign(reads.begin(), reads.end());
  transaction.writes.assign(written.begin(), written.end());
  if (writes != nullptr) {
    transaction.mutations.assign(writes->mutations().begin(), writes->mutations().end());
  }
  if (options_.exactly_once) {
    order.id = core_->committer().DrawId();
    attempt = AttemptRange(order.id);
    transaction.reads.push_back(attempt);
    transaction.writes.push_back(attempt);
  }
  order.access_system_keys = options_.access_system_keys;
  order.system_priority = options_.priority == TransactionPriority::kSystem;
  order.report_conflicts = options_.report_conflicting_keys;
  absl::StatusOr<CommitAnswer> answer =
      co_await core_->committer().Commit(std::move(order), &commit_sent_);
  if (life != life_) co_return Error(ErrorCode::transaction_cancelled);
  if (!answer.ok()) co_return std::move(answer).status();
  if (answer->too_old) co_return Error(ErrorCode::transaction_too_old);
  if (!answer->committed) {
    for (const uint32_t index : answer->conflicting_reads) {
      if (index < reads.size()) conflicting_ranges_.push_back(reads[index]);
    }
    co_return Error(ErrorCode::not_committed);
  }
  CommitResult result;
  result.version = answer->version;
  result.versionstamp = MakeVersionstamp(answer->version, answer->order);
  co_return std::move(result);
}

Future<absl::StatusOr<std::string>> Transaction::Impl::GetVersionstamp() {
  Promise<absl::StatusOr<std::string>> promise;
  Future<absl::StatusOr<std::string>> future = promise.future();
  absl::Status usable = CheckUsable();
  if (usable.ok()) {
    versionstamps_.push_back(std::move(promise));
  } else {
    promise.Set(std::move(usable));
  }
  return future;
}

void Transaction::Impl::FinishVersionstamps(const absl::StatusOr<CommitResult>& result) {
  for (Promise<absl::StatusOr<std::string>>& each : std::exchange(versionstamps_, {})) {
    if (!result.ok()) {
      each.Set(result.status());
    } else if (result->version == kInvalidVersion) {
      each.Set(
          Error(ErrorCode::client_invalid_operation, "nothing was committed: no versionstamp"));
    } else {
      each.Set(result->versionstamp);
    }
  }
}

Task<absl::Status> Transaction::Impl::OnError(absl::Status error) {
  if (cancelled_) co_return Error(ErrorCode::transaction_cancelled);
  if (!IsRetryable(error)) co_return error;
  if (options_.retries_max >= 0 && retries_ >= options_.retries_max) co_return error;
  ++retries_;
  backoff_.set_delay_max(options_.retry_delay_max);
  Clock& clock = core_->env().clock();
  const Time again = After(clock.Now(), backoff_.Next());
  const Time deadline = Deadline();
  const uint64_t life = life_;
  co_await Sleep(clock, std::min(again, deadline));
  if (life != life_) co_return Error(ErrorCode::transaction_cancelled);
  if (clock.Now() >= deadline) co_return Error(ErrorCode::transaction_timed_out);
  ResetForRetry();
  co_return absl::OkStatus();
}

// As new, but for options, the time since it began, and the retries.
void Transaction::Impl::ResetForRetry() {
  ++life_;
  cancelled_ = false;
  committing_ = false;
  commit_sent_ = false;
  read_version_.reset();
  asking_for_version_ = false;
  writes_ = nullptr;
  read_conflicts_ = ConflictRanges();
  write_conflicts_ = ConflictRanges();
  stamped_keys_.clear();
  conflicting_ranges_.clear();
  FinishVersionstamps(Error(ErrorCode::transaction_cancelled));
  changed_.NotifyAll();
}

void Transaction::Impl::Reset() {
  ResetForRetry();
  options_ = TransactionOptions();
  began_ = core_->env().clock().Now();
  backoff_.Reset();
  retries_ = 0;
}

void Transaction::Impl::Cancel() {
  ++life_;
  cancelled_ = true;
  FinishVersionstamps(Error(ErrorCode::transaction_cancelled));
  changed_.NotifyAll();
}

}  // namespace orrery
