// Completing a plan.
#include "sim/run/plan_outcome.h"

#include "core/base/invariant.h"
#include "sim/fault/draw.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/report.h"
#include "sim/run/run_result.h"

namespace orrery::sim {

std::string PlanWithOutcome(const RunResult& result) {
  if (result.plan.empty()) return {};  // It did not come so far.
  absl::StatusOr<FaultPlan> plan = FaultPlanFromText(result.plan);
  INVARIANT(plan.ok(), std::string(plan.status().message()));
  PlannedOutcome* const outcome = plan->mutable_outcome();
  outcome->set_hash(HashText(result.hash));
  outcome->set_events(result.events);
  return FaultPlanToText(*plan);
}

}  // namespace orrery::sim
