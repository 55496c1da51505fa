// RingWorkload: nodes that each name the next stay one ring under transactions that swap two
// neighbours. A transaction that sees or leaves a mixture of two states breaks the ring for ever.
//
// Options, beside those of Load: nodes = 100; reads_percent = 10 (transactions that only walk the
// whole ring, as a range or node by node).
#pragma once

#include "workloads/load.h"

namespace orrery::workloads {

class RingWorkload final : public sim::Workload {
 public:
  absl::Status Configure(const sim::Options& options) override;
  Task<absl::Status> Setup(sim::ClientContext context) override;
  Task<absl::Status> Start(sim::ClientContext context, Time deadline) override;
  Task<absl::Status> Check(sim::ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override { return load_.Metrics(); }

 private:
  Task<absl::Status> Swap(Database& database, uint64_t first);
  Task<absl::Status> SwapOnce(Transaction& transaction, uint64_t first);
  Task<absl::Status> Walk(Database& database);
  Task<absl::StatusOr<uint64_t>> Next(Transaction& transaction, uint64_t node);

  Load load_;
  uint64_t nodes_ = 100;
  uint64_t reads_percent_ = 10;
};

}  // namespace orrery::workloads
