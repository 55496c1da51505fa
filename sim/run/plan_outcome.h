// A plan together with what its run gave: a replay of it compares itself with that.
#pragma once

#include <string>

namespace orrery::sim {

struct RunResult;

// The plan of a run with PlannedOutcome of fault_plan.proto, in text form. A run that failed before
// it drew one has none: its seed says everything then.
std::string PlanWithOutcome(const RunResult& result);

}  // namespace orrery::sim
