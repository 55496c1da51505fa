// BankWorkload: money moves between accounts and none appears or is lost, for whoever looks, with
// plain reads or snapshot reads, account by account or by a range in either direction.
//
// Options, beside those of Load: accounts = 20; opening_balance = 100; reads_percent = 25.
#pragma once

#include "workloads/load.h"

namespace orrery::workloads {

class BankWorkload final : public sim::Workload {
 public:
  absl::Status Configure(const sim::Options& options) override;
  Task<absl::Status> Setup(sim::ClientContext context) override;
  Task<absl::Status> Start(sim::ClientContext context, Time deadline) override;
  Task<absl::Status> Check(sim::ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override { return load_.Metrics(); }

 private:
  struct Transfer {
    uint64_t from = 0;
    uint64_t to = 0;
    uint64_t amount = 0;
  };
  // How an audit looks.
  struct Look {
    bool by_range = true;
    bool reverse = false;
    bool snapshot = false;
    int32_t rows = 0;
  };

  Task<absl::Status> Move(Database& database, Transfer transfer);
  Task<absl::Status> MoveOnce(Transaction& transaction, Transfer transfer);
  Task<absl::StatusOr<uint64_t>> Balance(Transaction& transaction, uint64_t account);
  Task<absl::Status> Audit(Database& database, Look look);
  Task<absl::StatusOr<Rows>> ReadAccounts(Transaction& transaction, Look look);

  Load load_;
  uint64_t accounts_ = 20;
  uint64_t opening_balance_ = 100;
  uint64_t reads_percent_ = 25;
};

}  // namespace orrery::workloads
