// Minimiser: the smallest plan that still shows the failure of a given run.
//
// In this order, again and again until a whole round changes nothing: the length of the faults
// phase; faults; operations of workloads (whole workloads, clients, then one by one); deviations
// from the default order (none at all, else windows of processes and time); knobs; topology and
// clients; and what is left made softer: faults that last shorter, hit fewer, begin at round
// times. Each step is ddmin (delta.h) or a list of candidates from the smallest on. A candidate
// counts only if it fails with the signature of the original.
//
// A failure may be a race, which leaving anything out moves: every candidate passes then, though
// the race is still there. So where many operations are left, halves of them are also run under
// other chances (fault_plan.proto); one that fails so keeps its chance.
//
// Deterministic: the same plan, whatever the number of jobs and however often it is interrupted.
// Only where the time is up depends on the machine.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "core/base/status.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/minimise/plan_parts.h"
#include "sim/run/minimise/trials.h"
#include "sim/run/run_result.h"

namespace orrery::sim {

// How far a minimisation is.
struct MinimiserState {
  const char* phase = "";  // "faults", "operations", ...
  PlanSize before;
  PlanSize now;
};

struct Minimised {
  FaultPlan plan;  // With its outcome.
  RunResult run;   // Of the plan.
  std::string signature;
  PlanSize before;
  PlanSize after;
  bool complete = false;  // Nothing of it can be left out; false: it was ended early.
};

class Minimiser {
 public:
  // `changed` is called when the state has changed. What is referred to outlives this.
  Minimiser(const RunRequest& original, Trials& trials, const std::function<void()>& changed);

  // Runs the original twice. invalid_argument: it passes, or does not fail twice the same.
  absl::Status Begin();
  // Of Begin's run: what the program makes of the original, for the journal.
  uint64_t original_hash() const { return original_run_.hash; }

  // REQUIRES: Begin was ok. Errors: nothing can be run or kept any more (Trials::status).
  absl::StatusOr<Minimised> Minimise();

  const MinimiserState& state() const { return state_; }

 private:
  // What a run of the best plan told, besides that it fails.
  struct Look {
    RunResult run;
    std::string phase;  // In which it failed.

    bool in_faults() const { return phase == "faults"; }
    // Before there is a time in which it recovers.
    bool early() const { return in_faults() || phase == "setup" || phase == "start"; }
  };

  absl::StatusOr<Look> LookAt(const FaultPlan& plan);
  FaultPlan Explicit() const;
  PlanSize OriginalSize(const FaultPlan& plan) const;
  void Enter(const char* phase);
  void Improve(FaultPlan plan);
  // Looks again: how long runs have to be now.
  absl::Status Measure();

  absl::Status Round();
  // False: nothing was left out. REQUIRES: granularity_max >= 2.
  bool Reduce(const PlanParts& parts, size_t granularity_max = SIZE_MAX);
  // Takes the first that fails of the plans make(0), ..., make(count - 1).
  bool TakeFirst(size_t count, const std::function<FaultPlan(size_t)>& make);
  void ReduceDuration();
  absl::Status ReduceOperations();
  bool ShakeOperations();
  void ReduceSchedule();
  void ReduceTopology();
  void ReduceTopologyValue(const std::string& name);
  void ReduceClients();
  void Soften();
  void SoftenFault(int index);

  // What a plan's topology deploys, clients and all; nothing when it makes no sense.
  struct Deployed {
    std::set<std::string> machines;
    std::set<std::string> processes;
    int clients = 0;
  };
  Deployed DeployedBy(const FaultPlan& plan) const;
  // The plan without what is not in its own deployment.
  FaultPlan Fitted(const FaultPlan& plan) const;

  const RunRequest& original_;
  Trials& trials_;
  const std::function<void()>& changed_;
  std::string signature_;
  RunResult original_run_;
  FaultPlan best_;
  Look look_;  // At the best plan or an earlier one.
  MinimiserState state_;
};

}  // namespace orrery::sim
