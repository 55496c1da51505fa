// A plan together with what its run gave: a replay of it compares itself with that.
#pragma once

#include <string>

namespace orrery::sim {

struct RunResult;

// RunResult::plan with PlannedOutcome of fault_plan.proto, in text form. An empty plan stays so.
std::string PlanWithOutcome(const RunResult& result);

}  // namespace orrery::sim
