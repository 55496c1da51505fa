// A system that does next to nothing, to test the runner with: servers that send back what they
// are sent, a workload that counts answers, and by option defects of every kind that a run can
// fail on.
#pragma once

#include "sim/run/system.h"

namespace orrery::sim {

// Options of [topology]:
//   servers = 3               # Each on a machine and in a zone of its own.
//   plant = "none"            # A defect of the servers; see Plant in the .cc.
//   lucky = 7                 # Drawn from 1 to 1000 if it is not given; 0: Create fails.
// Options of the workload "ping":
//   interval = "50ms"         # Between pings of a client.
//   answers_min = 1           # Check fails below it.
//   fail_in = ""              # "setup", "start" or "check" returns an error; "endless" Start
//                             # never ends; "slow" it ends after the bound, and goes on till then.
class PingSystem final : public System {
 public:
  void AddKnobs(KnobSet& knobs) const override;
  absl::StatusOr<Deployment> Deploy(const Options& topology, Random& random) const override;
  Task<absl::Status> Create(ClientContext context) const override;
  std::unique_ptr<SurvivalPolicy> MakeSurvivalPolicy(World& world) const override;
  std::unique_ptr<Workload> MakeWorkload(std::string_view name) const override;
  std::vector<std::string> WorkloadNames() const override;
  Task<absl::Status> AwaitRecovered(ClientContext context) const override;
};

}  // namespace orrery::sim
