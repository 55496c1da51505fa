// The replicated log as the simulator sees it: what is deployed, what it survives, when it has
// recovered.
//
// [topology] of its scenarios:
//
//   machines = 5     one replica on each; an odd number, 1 to 15
//   zones = 3        machine i is in zone i modulo this
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/rpc/endpoint.h"
#include "sim/run/system.h"

namespace orrery::sim::replicated_log {

class ReplicatedLogSystem final : public System {
 public:
  void AddKnobs(KnobSet& knobs) const override;
  absl::StatusOr<Deployment> Deploy(const Options& topology, Random& random) const override;
  std::unique_ptr<SurvivalPolicy> MakeSurvivalPolicy(World& world) const override;
  std::unique_ptr<Workload> MakeWorkload(std::string_view name) const override;
  std::vector<std::string> WorkloadNames() const override;
  Task<absl::Status> AwaitRecovered(ClientContext context) const override;
};

// Where a client finds the replicas of a deployment. REQUIRES: Deploy took this topology.
std::vector<Endpoint> ReplicasOf(const Options& topology);

}  // namespace orrery::sim::replicated_log
