// Drawing a fault plan from a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/base/status.h"
#include "core/base/time.h"

namespace orrery::sim {

class FaultPlan;
class World;

// What a scenario says about faults.
struct FaultOptions {
  // Names of kinds as in fault_plan.proto's `oneof kind` ("power_loss"), or of the groups
  // "network", "process", "disk", "clock". Those listed may be drawn; each is off in a good share
  // of seeds.
  std::vector<std::string> kinds;
  Duration duration{};       // Of the faults phase.
  Duration mean_interval{};  // Between faults, over all kinds, before the seed's own scaling.
};

// invalid_argument names a kind that does not exist, and lists those that do.
absl::Status ValidateFaultKinds(const std::vector<std::string>& kinds);

// The plan for the machines and processes of `world` (sheltered ones are left alone). The seed
// draws first which kinds are on and how often each comes, then the faults; every fault has a
// stream of its own, so that one kind more or less shifts nothing of the others.
FaultPlan DrawFaultPlan(const World& world, const FaultOptions& options);

// Text form, and back. A reader's errors say what and where: line and column.
std::string FaultPlanToText(const FaultPlan& plan);
absl::StatusOr<FaultPlan> FaultPlanFromText(const std::string& text);

}  // namespace orrery::sim
