// BlockingDatabase: the client for programs without a loop. Each call blocks the thread that makes
// it; what waits runs on a loop that somebody else provides.
//
//   BlockingDatabase db(run_on_loop, ConnectByClusterFile(cluster));
//   absl::Status done = db.Run([](BlockingTransaction& tr) -> absl::Status {
//     ASSIGN_OR_RETURN(std::optional<std::string> value, tr.Get("key"));
//     return tr.Set("key", value.value_or("") + "x");
//   });
//
// Threads: a database may be used by several threads at once, a transaction by one at a time; none
// of them by the loop's own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "core/env/env.h"
#include "txn/client/database.h"

namespace orrery {

// Runs the task that the function gives on the loop, blocks the calling thread until it has ended,
// and gives its result: core/real/loop_thread.h has one. The function, which may be a coroutine
// lambda with captures, lives until the task has ended.
using RunOnLoop = std::function<absl::Status(absl::AnyInvocable<Task<absl::Status>(Env&)>)>;

// What a Database needs to live on the loop.
struct LoopDatabase {
  std::unique_ptr<RpcClient> rpc;
  std::unique_ptr<Database> database;
};

// Called on the loop; what it gives is used and destroyed there.
using ConnectOnLoop = absl::AnyInvocable<LoopDatabase(Env&)>;

// The knobs of the Env have RpcKnobs, ClientKnobs and CoordinatorKnobs.
ConnectOnLoop ConnectByClusterFile(ClusterFile cluster);

struct BlockingRange {
  std::vector<KeyValue> rows;
  bool more = false;
};

// As Transaction. What is not here returns at once there, and may be used by transaction().
class BlockingTransaction {
 public:
  BlockingTransaction(BlockingTransaction&&) = default;
  BlockingTransaction& operator=(BlockingTransaction&&) = delete;
  ~BlockingTransaction();

  TransactionOptions& options() { return transaction_->options(); }

  absl::StatusOr<Version> GetReadVersion();
  absl::StatusOr<std::optional<std::string>> Get(Key key, bool snapshot = false);
  absl::StatusOr<Key> GetKey(KeySelector selector, bool snapshot = false);
  absl::StatusOr<BlockingRange> GetRange(KeySelector begin, KeySelector end,
                                         RangeOptions options = {});
  absl::StatusOr<BlockingRange> GetRange(KeyRange range, RangeOptions options = {});

  absl::Status Set(KeyRef key, std::string_view value) { return transaction_->Set(key, value); }
  absl::Status Clear(KeyRef key) { return transaction_->Clear(key); }
  absl::Status Clear(KeyRangeRef range) { return transaction_->Clear(range); }
  absl::Status Atomic(MutationType type, KeyRef key, std::string_view operand) {
    return transaction_->Atomic(type, key, operand);
  }

  absl::StatusOr<CommitResult> Commit();
  absl::Status OnError(absl::Status error);

  // Its Tasks and Futures are for the loop alone.
  Transaction& transaction() { return *transaction_; }

 private:
  friend class BlockingDatabase;
  BlockingTransaction(const RunOnLoop& run, std::unique_ptr<Transaction> transaction)
      : run_(run), transaction_(std::move(transaction)) {}

  template <class T>
  absl::StatusOr<T> Await(absl::AnyInvocable<Task<absl::StatusOr<T>>()> call);

  const RunOnLoop& run_;
  std::unique_ptr<Transaction> transaction_;
};

class BlockingDatabase {
 public:
  BlockingDatabase(RunOnLoop run, ConnectOnLoop connect);
  // REQUIRES: its transactions are gone.
  ~BlockingDatabase();

  // REQUIRES: the database outlives it.
  BlockingTransaction Begin();

  // The retry loop; `fn(BlockingTransaction&)` gives absl::Status and runs on the calling thread.
  template <class Fn>
  absl::Status Run(Fn fn, TransactionOptions options = {}) {
    BlockingTransaction transaction = Begin();
    transaction.options() = options;
    for (;;) {
      absl::Status status = fn(transaction);
      if (status.ok()) status = transaction.Commit().status();
      if (status.ok()) return status;
      status = transaction.OnError(std::move(status));
      if (!status.ok()) return status;
    }
  }

 private:
  const RunOnLoop run_;
  LoopDatabase database_;  // Of the loop.
};

}  // namespace orrery
