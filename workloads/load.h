// Load: what all workloads share: how many transactions are begun and when, what became of them,
// and reading of many rows.
//
// Options, beside each workload's own:
//
//   transactions_per_second = 50   begun by all clients together
//   in_flight_max = 50             of each client; no more are begun meanwhile
//   prefix = "NAME"                of all its keys; the workload's name
//   timeout = "0s"                 of each transaction, retries included; zero: none
//   commits_min = 1                fewer acknowledged commits fail the check
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/base/random.h"
#include "core/base/status.h"
#include "sim/run/workload.h"
#include "txn/client/database.h"
#include "workloads/client_operation.h"
#include "workloads/row_keys.h"

namespace orrery::workloads {

// What is known of a transaction after its retry loop has ended.
enum class Outcome {
  kCommitted,
  kUnknown,  // Its time was over: its last attempt may have been committed, or may be yet.
};

class Load {
 public:
  absl::Status Configure(const sim::Options& options, std::string_view workload,
                         int64_t transactions_per_second = 50);

  // Begins transactions at random moments until `deadline`, and waits for all; the first error that
  // one ends with ends it, and is given. Who counts what is theirs. Each is an operation
  // (sim/run/operations.h) of the workload named by the prefix. `begin` is called for each with its
  // Random and what names it, also for one that the plan leaves out or for which there is no room:
  // what it gives is lazy. REQUIRES: what `begin` refers to outlives the Task.
  using BeginOperation = std::function<Task<absl::Status>(Random random, ClientOperation by)>;
  Task<absl::Status> Drive(sim::ClientContext context, Time deadline, BeginOperation begin) const;

  // Counts how a retry loop ended, and says what that means. An error that no fault explains is
  // given back.
  absl::StatusOr<Outcome> Settle(const absl::Status& status);

  // The options of its transactions.
  TransactionOptions transaction_options() const;

  // A verdict whose evidence names operations: they are of this workload.
  absl::Status NameOperations(absl::Status verdict) const;

  // check_failed when there were too few commits, unless the plan had some left out.
  absl::Status CheckCommits(const sim::ClientContext& context) const;

  const std::string& prefix() const { return prefix_; }
  void Count(std::string_view metric, int64_t n = 1);
  std::map<std::string, int64_t> Metrics() const { return metrics_; }

 private:
  int64_t transactions_per_second_ = 50;
  int64_t in_flight_max_ = 50;
  std::string prefix_;
  Duration timeout_{};
  int64_t commits_min_ = 1;
  std::map<std::string, int64_t> metrics_;
};

// Runs `fn` in a retry loop as Database::Run does, and gives what the commit gave.
template <class Fn>
Task<absl::StatusOr<CommitResult>> RunForResult(Database& database, Fn fn,
                                                TransactionOptions options) {
  Transaction transaction = database.Begin();
  transaction.options() = options;
  for (;;) {
    absl::Status status = co_await fn(transaction);
    if (status.ok()) {
      absl::StatusOr<CommitResult> result = co_await transaction.Commit();
      if (result.ok()) co_return result;
      status = result.status();
    }
    status = co_await transaction.OnError(std::move(status));
    if (!status.ok()) co_return status;
  }
}

// All rows of the range, within the transaction: piece by piece.
Task<absl::StatusOr<Rows>> ReadRows(Transaction& transaction, KeyRange range,
                                    bool snapshot = false);

// The same in a transaction of its own, in a retry loop.
Task<absl::StatusOr<Rows>> ReadRows(Database& database, KeyRange range);

// Writes the rows, some hundred in a transaction.
Task<absl::Status> WriteRows(Database& database, Rows rows);

// [prefix/, the first key after all that begin so).
KeyRange RowsOf(std::string_view prefix);

}  // namespace orrery::workloads
