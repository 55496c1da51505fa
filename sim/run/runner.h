// The runner: a system, a scenario and a seed to a verdict.
//
//   RunResult result = RunScenario(system, *LoadScenario("scenario.toml", system), 7);
//   EXPECT_TRUE(result.passed()) << Summary(result);
//
// A run: every process is started; Setup on client 0; Start on all clients while the plan's faults
// happen; all faults end, and nothing that runs is restarted: the clients' Start must end and the
// system must recover within the scenario's bound; Check on client 0; everything is killed, and
// nothing may be left. The first failure ends it.
//
// RunScenario and RunIsolated run in a forked child: a crash, a failed INVARIANT, a hang, or memory
// without end is that seed's failure and harms nothing else. REQUIRES: the calling process has one
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"
#include "sim/run/run_result.h"
#include "sim/run/scenario.h"

namespace orrery {
class KnobSet;
}

namespace orrery::sim {

class RunObserver;
class System;
class Timeline;

// FaultPlan::version of the plans this program reads and writes.
inline constexpr uint32_t kPlanVersion = 1;

struct RunRequest {
  const System& system;
  const Scenario& scenario;  // Validated: see ValidateScenario.
  uint64_t seed = 0;
  // "NAME=VALUE"; they win over the scenario's, the plan's and the drawn ones.
  std::vector<std::string> knobs = {};
  // Text form of a fault plan to replay, with the knobs it lists and no others drawn. Empty: drawn.
  std::string plan = {};
  // Trace events of all processes go here, one JSON object each line. Empty: none are kept.
  std::string trace_file = {};
  // A recording of the run is written here (recording_file.h), whatever becomes of it.
  std::string recording_file = {};
  // A recording that the run is compared with, entry by entry: RunResult::comparison.
  std::string compare_with = {};
  // Ends the run, without a verdict (RunResult::stopped), before the first event after this moment
  // of simulated time, or when so many events were dispatched.
  Time until = kNever;
  uint64_t events_max = UINT64_MAX;
  // Looks on in the process of the run: a forked one has its own copy.
  RunObserver* observer = nullptr;
};

// Refuses, in one line, knobs or a plan that do not fit: a plan's version, scenario, machines,
// processes, and what it narrows. "plan.textproto" in messages is `plan_name`.
absl::Status ValidateRequest(const RunRequest& request, const std::string& plan_name);

// The seed of a plan in text form.
absl::StatusOr<uint64_t> SeedOfPlan(const std::string& plan, const std::string& plan_name);

// Adds all groups to the empty `knobs` and gives every knob the value it has in the run: drawn, or
// as the scenario, the plan and the request say. invalid_argument names the knob.
absl::Status SetKnobsOf(const RunRequest& request, KnobSet& knobs);

// Watches a run from inside its process. Must not change it.
class RunMonitor {
 public:
  virtual ~RunMonitor() = default;
  // After every event.
  virtual void Stepped(const Timeline& timeline) = 0;
  // What is known: before the first event, and again before everything is torn down.
  virtual void Known(const RunResult& result) = 0;
  // With every entry of the hash, when the run is recorded, compared or observed.
  virtual void Entered(uint64_t) {}
};

// In this process: a crash of the system under test is one of the caller. `begin` is when the run
// was asked for, by MonotonicNow.
RunResult RunHere(const RunRequest& request, RunMonitor& monitor, Duration begin);

// The same, with nobody to watch it: for debuggers.
RunResult RunUnwatched(const RunRequest& request);

// In a forked child.
RunResult RunIsolated(const RunRequest& request);

// The same, for sweeps in tests. Aborts when the request is refused.
RunResult RunScenario(const System& system, const Scenario& scenario, uint64_t seed,
                      std::vector<std::string> knobs = {});

}  // namespace orrery::sim
