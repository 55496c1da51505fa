// ReadYourWritesWorkload: within a transaction, reads see the database at one version with the
// transaction's own writes above it. Many transactions do drawn operations in the same few keys:
// each takes a snapshot of them first, and compares every answer with a model over it.
//
// Options, beside those of Load: operations_max = 30 (of a transaction).
#pragma once

#include "workloads/load.h"
#include "workloads/operation_draw.h"

namespace orrery::workloads {

class ReadYourWritesWorkload final : public sim::Workload {
 public:
  absl::Status Configure(const sim::Options& options) override;
  Task<absl::Status> Setup(sim::ClientContext context) override;
  Task<absl::Status> Start(sim::ClientContext context, Time deadline) override;
  Task<absl::Status> Check(sim::ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override { return load_.Metrics(); }

 private:
  Task<absl::Status> Mix(Database& database, Random random);
  Task<absl::Status> MixOnce(Transaction& transaction, Random* random);

  Load load_;
  int64_t operations_max_ = 30;
};

}  // namespace orrery::workloads
