// AtomicOpsWorkload: atomic operations of all types, mixed with sets and clears, on few keys; a log
// under versionstamps says in which order they happened, and what must be there: atomic_log.h.
//
// Options, beside those of Load: groups = 5 (a transaction is of one, and each has a log of its
// own); keys = 5 (of a group); operations_max = 4 (of a transaction); audits_percent = 5.
#pragma once

#include <set>
#include <vector>

#include "workloads/atomic_log.h"
#include "workloads/load.h"

namespace orrery::workloads {

class AtomicOpsWorkload final : public sim::Workload {
 public:
  absl::Status Configure(const sim::Options& options) override;
  Task<absl::Status> Setup(sim::ClientContext context) override;
  Task<absl::Status> Start(sim::ClientContext context, Time deadline) override;
  Task<absl::Status> Check(sim::ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override { return load_.Metrics(); }

 private:
  std::vector<Mutation> DrawOperations(Random& random, uint64_t group) const;
  Task<absl::Status> Operate(Database& database, uint64_t group, std::vector<Mutation> operations);
  absl::Status Write(Transaction& transaction, uint64_t group,
                     const std::vector<Mutation>& operations) const;
  Task<absl::Status> Audit(Database& database, uint64_t group);
  std::string LogPrefix(uint64_t group) const;
  std::string ValuePrefix(uint64_t group) const;

  Load load_;
  uint64_t groups_ = 5;
  uint64_t keys_ = 5;
  int64_t operations_max_ = 4;
  uint64_t audits_percent_ = 5;
  std::vector<std::set<std::string>> acknowledged_;  // Stamps, by group.
};

}  // namespace orrery::workloads
