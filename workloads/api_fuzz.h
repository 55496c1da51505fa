// ApiFuzzWorkload: every operation of a Transaction, with arguments that make sense and such that
// do not, against a full model. Each space of keys has one writer, which runs one transaction after
// the other in it: so the model knows every row, and every answer is right or wrong. The spaces'
// own transactions run side by side, on all clients.
//
// Transactions are committed, given up, cancelled, committed with the limit of size at what they
// have and one below, and used while they are committed.
//
// Options, beside those of Load: spaces_per_client = 4; operations_max = 20 (of a transaction);
// limits = true (keys and values at the limits of size).
#pragma once

#include <deque>
#include <vector>

#include "workloads/load.h"
#include "workloads/operation_draw.h"

namespace orrery::workloads {

class ApiFuzzWorkload final : public sim::Workload {
 public:
  absl::Status Configure(const sim::Options& options) override;
  Task<absl::Status> Setup(sim::ClientContext context) override;
  Task<absl::Status> Start(sim::ClientContext context, Time deadline) override;
  Task<absl::Status> Check(sim::ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override { return load_.Metrics(); }

 private:
  struct Space {
    KeyRange data;     // Rows that are read within transactions.
    Key stamped_keys;  // Prefix of rows that are only written.
    KeyRange all;      // Both.
    Rows rows;         // What the database has in it.
    bool busy = false;
    bool retired = false;  // Not known any more: a transaction of unknown end.
  };

  Space& Open();
  Task<absl::Status> Fuzz(Database& database, Space** own, Random random);
  Task<absl::Status> Attempt(Random& random, Transaction& transaction, Space& space);
  Task<absl::Status> End(Random& random, Transaction& transaction, const TransactionModel& model,
                         Space& space);
  Task<absl::Status> Commit(Transaction& transaction, const TransactionModel& model, Space& space);
  Task<absl::Status> CommitAtLimit(Transaction& transaction, const TransactionModel& model,
                                   Space& space);
  Task<absl::Status> CommitAndUse(Transaction& transaction, const TransactionModel& model,
                                  Space& space);
  Task<absl::Status> Cancel(Transaction& transaction, Space& space);
  absl::Status Applied(const absl::StatusOr<CommitResult>& result, const TransactionModel& model,
                       Space& space);

  Load load_;
  int64_t spaces_per_client_ = 4;
  int64_t operations_max_ = 20;
  bool limits_ = true;
  std::deque<Space> spaces_;
};

}  // namespace orrery::workloads
