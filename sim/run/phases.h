// Phases: one run in a world that has been built, from the first start to the last check.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/async/task.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "sim/fault/injector.h"
#include "sim/run/evidence.h"
#include "sim/run/operations.h"
#include "sim/run/runner.h"
#include "sim/run/scenario.h"
#include "sim/run/system.h"
#include "sim/run/workload.h"
#include "sim/world/world.h"

namespace orrery::sim {

// Clients are the processes "client-0", "client-1", ... on machines of those names.
std::string ClientName(int client);

// A machine and a process for each client; after the system's own machines.
void AddClients(World& world, int clients);

class Phases {
 public:
  // REQUIRES: everything outlives this; `world` has the system's machines and the clients.
  // `scenario` is the request's as the plan narrows it, `topology` is what clients are given.
  Phases(const RunRequest& request, const Scenario& scenario, const Options& topology,
         Operations& operations, World& world, Injector& injector,
         std::vector<std::unique_ptr<Workload>>& workloads, RunMonitor& monitor);

  // Runs all of them, or up to the first failure, which World::failures() tells.
  void Run();

  const std::string& phase() const { return phase_; }
  // Whether it ended where the request asked it to, before its end and without a failure.
  bool stopped() const { return stopped_; }
  // When the faults phase began; zero before.
  Time faults_begun() const { return faults_begun_; }
  // What an oracle attached to its failure: by index of World::failures().
  const std::map<size_t, Evidence>& evidence() const { return evidence_; }
  // When the first event was dispatched, by MonotonicNow; zero before.
  Duration first_event() const { return first_event_; }

 private:
  // A task on a client whose end the runner waits for.
  struct Call {
    Phases& phases;
    const char* kind;  // Of the failure when it ends with an error.
    std::string what;
    bool done = false;
  };
  using MakeTask = Task<absl::Status> (Workload::*)(ClientContext);

  static Task<absl::Status> Finish(Call* call, Task<absl::Status> task);
  ClientContext ContextOf(int client);
  void Begin(int client, const char* kind, std::string what, Task<absl::Status> task);
  void Enter(const char* phase);
  void StartProcesses();
  bool ended() const { return stopped_ || world_.failed(); }
  // One event, unless the run is to stop before it or, then, after it.
  void Step();
  // Steps until `bound`, the end, or, with `calls`, until no call is open: true then.
  bool StepUntil(Time bound, bool calls);
  // The same for calls; a failure of `kind` when some are still open at `bound`.
  bool Await(Time bound, const char* kind, const std::string& of);
  // Fails with those that are open; false.
  bool FailOpen(const char* kind, const std::string& of);
  std::string SinceItWentOn() const;
  bool InTurn(MakeTask make, const char* what, const char* kind, const char* late, Time bound,
              Duration within);
  bool Setup();
  bool Faults();
  bool Liveness();
  bool AwaitOperations();
  bool Check();

  const RunRequest& request_;
  const Scenario& scenario_;
  const Options& topology_;
  Operations& operations_;
  World& world_;
  Injector& injector_;
  std::vector<std::unique_ptr<Workload>>& workloads_;
  RunMonitor& monitor_;
  std::string phase_ = "start";
  bool stopped_ = false;
  std::map<size_t, Evidence> evidence_;
  Duration first_event_{};
  Time faults_begun_{};
  std::deque<Call> calls_;  // Stable addresses.
  size_t open_calls_ = 0;
  uint64_t operations_ended_ = 0;
  Time healed_{};   // When all faults had ended,
  Time went_on_{};  // and, if later, when the last operation did.
};

}  // namespace orrery::sim
