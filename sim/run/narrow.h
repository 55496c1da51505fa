// Narrowing: a scenario and a plan to what is run (fault_plan.proto, from `topology` on).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/status.h"
#include "sim/run/scenario.h"
#include "sim/run/system.h"
#include "sim/world/schedule.h"

namespace orrery::sim {

class FaultPlan;
class World;

// The scenario with the plan's topology, clients and duration. invalid_argument, in one line, says
// what makes no sense by itself; whether the system can be deployed so it says itself. "plan_name:"
// is where the values stand, in its errors and later in the system's.
absl::StatusOr<Scenario> Narrow(const Scenario& scenario, const FaultPlan& plan,
                                const std::string& plan_name);

// What the narrowed scenario has the system deploy for a seed.
absl::StatusOr<Deployment> DeployNarrowed(const System& system, const Scenario& scenario,
                                          uint64_t seed);

// Where the plan has the order drawn; nullopt: everywhere.
std::optional<Schedule> ScheduleOf(const FaultPlan& plan);

// Refuses operations and windows that make no sense in `world`, which has the narrowed scenario's
// machines and clients: a process or client that is not there, a span that ends before it begins.
absl::Status ValidateNarrowing(const FaultPlan& plan, const World& world, int clients);

}  // namespace orrery::sim
