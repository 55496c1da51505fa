// The database as the simulator sees it: what is deployed, how it is created, what it survives,
// when it has recovered. [topology] of its scenarios: topology.h.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/run/system.h"

namespace orrery::workloads {

class DatabaseSystem final : public sim::System {
 public:
  void AddKnobs(KnobSet& knobs) const override;
  absl::StatusOr<sim::Deployment> Deploy(const sim::Options& topology,
                                         Random& random) const override;
  Task<absl::Status> Create(sim::ClientContext context) const override;
  std::unique_ptr<sim::SurvivalPolicy> MakeSurvivalPolicy(sim::World& world) const override;
  std::unique_ptr<sim::Workload> MakeWorkload(std::string_view name) const override;
  std::vector<std::string> WorkloadNames() const override;

  // A generation accepts commits, the old log sets are drained, every storage server has applied
  // what was committed before it was asked, and a commit succeeds.
  Task<absl::Status> AwaitRecovered(sim::ClientContext context) const override;
};

}  // namespace orrery::workloads
