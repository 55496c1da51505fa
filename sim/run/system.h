// System: what a distributed system hands to the runner so that it can be put under a seed. Whoever
// brings a system of their own implements this, links //sim/run, and calls SimMain.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/env/env.h"
#include "core/knobs/knobs.h"
#include "sim/fault/survival_policy.h"
#include "sim/run/options.h"
#include "sim/run/workload.h"
#include "sim/world/machine.h"
#include "sim/world/process.h"

namespace orrery::sim {

// The machines of a deployment and the processes on them.
struct Deployment {
  struct MachineWithProcesses {
    MachineSpec machine;
    std::vector<ProcessSpec> processes;
  };
  std::vector<MachineWithProcesses> machines;

  // What the scenario's [topology] left open, as the seed settled it. Clients find it in their
  // ClientContext::topology beside what the scenario says; reports list it.
  std::vector<std::pair<std::string, Options::Value>> drawn;
};

// One object serves any number of runs, and calls that only look whether a scenario makes sense:
// nothing here keeps state.
class System {
 public:
  virtual ~System() = default;

  // Adds the system's groups of knobs (core's own are there already).
  virtual void AddKnobs(KnobSet& knobs) const = 0;

  // The deployment that `topology`, the scenario's table of that name, asks for; what it leaves
  // open is drawn from `random`. Machine i of the list will have the address 10.0.0.(i+1), and its
  // name resolves to it.
  // invalid_argument for a value that does not make sense (Options::Refuse says where it stands);
  // keys that it does not ask for are refused by the runner.
  virtual absl::StatusOr<Deployment> Deploy(const Options& topology, Random& random) const = 0;

  virtual std::unique_ptr<SurvivalPolicy> MakeSurvivalPolicy(World& world) const = 0;

  // A workload by the name the scenario gives it; nullptr when there is none of that name.
  virtual std::unique_ptr<Workload> MakeWorkload(std::string_view name) const = 0;
  virtual std::vector<std::string> WorkloadNames() const = 0;

  // On client 0, once the processes have been started and before the first workload's Setup: makes
  // what a system needs once in its life (a database), if it does. Setup's time includes it.
  virtual Task<absl::Status> Create(ClientContext) const { co_return absl::OkStatus(); }

  // On a client, after all faults have stopped: returns ok when the system has fully recovered and
  // serves. The runner gives it a bounded time: the liveness phase.
  virtual Task<absl::Status> AwaitRecovered(ClientContext context) const = 0;
};

}  // namespace orrery::sim
