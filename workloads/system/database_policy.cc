// Counting the coordinators that are lost.
#include "workloads/system/database_policy.h"

#include <algorithm>
#include <utility>

#include "sim/world/world.h"
#include "workloads/system/topology.h"

namespace orrery::workloads {

bool DatabasePolicy::Survives(const sim::World& world,
                              const std::vector<const sim::Machine*>& machines, sim::Harm harm) {
  if (harm == sim::Harm::kUnavailable || harm == sim::Harm::kVolatile) return true;
  if (harm == sim::Harm::kDamaged) return false;
  std::set<std::string> lost = lost_;
  for (const sim::Machine* machine : machines) {
    if (!IsCoordinatorMachine(machine->name())) return false;
    lost.insert(machine->name());
  }
  const auto coordinators = std::ranges::count_if(
      world.machines(), [](const auto& machine) { return IsCoordinatorMachine(machine->name()); });
  if (2 * lost.size() >= static_cast<size_t>(coordinators)) return false;
  lost_ = std::move(lost);
  return true;
}

}  // namespace orrery::workloads
