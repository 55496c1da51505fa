// Completing a plan.
#include "sim/run/plan_outcome.h"

#include <utility>

#include "core/base/invariant.h"
#include "sim/fault/draw.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/report.h"
#include "sim/run/run_result.h"
#include "sim/run/runner.h"
#include "sim/run/signature.h"

namespace orrery::sim {

std::string PlanWithOutcome(const RunResult& result) {
  FaultPlan plan;
  if (!result.plan.empty()) {
    absl::StatusOr<FaultPlan> parsed = FaultPlanFromText(result.plan);
    INVARIANT(parsed.ok(), std::string(parsed.status().message()));
    plan = *std::move(parsed);
  }
  plan.set_version(kPlanVersion);
  plan.set_seed(result.seed);
  plan.set_scenario(result.scenario);
  PlannedOutcome& outcome = *plan.mutable_outcome();
  outcome.set_hash(HashText(result.hash));
  outcome.set_events(result.events);
  if (!result.passed()) outcome.set_signature(SignatureOf(result));
  return FaultPlanToText(plan);
}

}  // namespace orrery::sim
