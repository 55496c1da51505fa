// Each call: a task for the loop that leaves its result on the caller's stack.
#include "txn/client/blocking_database.h"

#include "core/base/invariant.h"

namespace orrery {
namespace {

// Runs a plain function on the loop.
void OnLoop(const RunOnLoop& run, absl::AnyInvocable<void(Env&)> what) {
  const absl::Status done = run([&what](Env& env) -> Task<absl::Status> {
    what(env);
    co_return absl::OkStatus();
  });
  INVARIANT(done.ok(), Describe(done));
}

BlockingRange Copy(const RangeResult& result) { return {result.rows.Copy(), result.more}; }

}  // namespace

// The result goes to the caller's stack while the caller waits. If the loop ends the task before
// that, the loop's error is the result.
template <class T>
absl::StatusOr<T> BlockingTransaction::Await(absl::AnyInvocable<Task<absl::StatusOr<T>>()> call) {
  absl::StatusOr<T> result = Error(ErrorCode::operation_cancelled);
  const absl::Status done = run_([&](Env&) -> Task<absl::Status> {
    result = co_await call();
    co_return absl::OkStatus();
  });
  if (!done.ok()) return done;
  return result;
}

BlockingTransaction::~BlockingTransaction() {
  if (transaction_ == nullptr) return;
  OnLoop(run_, [this](Env&) { transaction_ = nullptr; });
}

absl::StatusOr<Version> BlockingTransaction::GetReadVersion() {
  return Await<Version>([this] { return transaction_->GetReadVersion(); });
}

absl::StatusOr<std::optional<std::string>> BlockingTransaction::Get(Key key, bool snapshot) {
  return Await<std::optional<std::string>>(
      [&] { return transaction_->Get(std::move(key), snapshot); });
}

absl::StatusOr<Key> BlockingTransaction::GetKey(KeySelector selector, bool snapshot) {
  return Await<Key>([&] { return transaction_->GetKey(std::move(selector), snapshot); });
}

// Rows are copied on the loop: their buffers belong to it.
absl::StatusOr<BlockingRange> BlockingTransaction::GetRange(KeySelector begin, KeySelector end,
                                                            RangeOptions options) {
  return Await<BlockingRange>([&]() -> Task<absl::StatusOr<BlockingRange>> {
    CO_ASSIGN_OR_RETURN(const RangeResult result,
                        co_await transaction_->GetRange(std::move(begin), std::move(end), options));
    co_return Copy(result);
  });
}

absl::StatusOr<BlockingRange> BlockingTransaction::GetRange(KeyRange range, RangeOptions options) {
  return Await<BlockingRange>([&]() -> Task<absl::StatusOr<BlockingRange>> {
    CO_ASSIGN_OR_RETURN(const RangeResult result,
                        co_await transaction_->GetRange(std::move(range), options));
    co_return Copy(result);
  });
}

absl::StatusOr<CommitResult> BlockingTransaction::Commit() {
  return Await<CommitResult>([this] { return transaction_->Commit(); });
}

absl::Status BlockingTransaction::OnError(absl::Status error) {
  return run_([&](Env&) { return transaction_->OnError(std::move(error)); });
}

BlockingDatabase::BlockingDatabase(RunOnLoop run, ConnectOnLoop connect) : run_(std::move(run)) {
  OnLoop(run_, [&](Env& env) { database_ = connect(env); });
}

BlockingDatabase::~BlockingDatabase() {
  OnLoop(run_, [this](Env&) {
    database_.database = nullptr;
    database_.rpc = nullptr;
  });
}

BlockingTransaction BlockingDatabase::Begin() {
  std::unique_ptr<Transaction> transaction;
  OnLoop(run_,
         [&](Env&) { transaction = std::make_unique<Transaction>(database_.database->Begin()); });
  return BlockingTransaction(run_, std::move(transaction));
}

}  // namespace orrery
