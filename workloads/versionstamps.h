// VersionstampsWorkload: each transaction stamps a key and a value; what the stamps must be:
// stamp_history.h.
//
// Options: those of Load.
#pragma once

#include "workloads/load.h"
#include "workloads/stamp_history.h"

namespace orrery::workloads {

class VersionstampsWorkload final : public sim::Workload {
 public:
  absl::Status Configure(const sim::Options& options) override;
  Task<absl::Status> Setup(sim::ClientContext context) override;
  Task<absl::Status> Start(sim::ClientContext context, Time deadline) override;
  Task<absl::Status> Check(sim::ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override { return load_.Metrics(); }

 private:
  Task<absl::Status> Stamp(Database& database, ClientOperation by, bool promise);
  absl::Status Write(Transaction& transaction, size_t index) const;

  Load load_;
  StampHistory history_;
  uint64_t moments_ = 0;
};

}  // namespace orrery::workloads
