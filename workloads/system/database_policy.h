// DatabasePolicy: what of the database may be broken at a time.
//
// - Whoever is down or cut off comes back with all that it acknowledged, whatever the number: until
//   then nothing is served.
// - Nothing rebuilds a log, a storage server or a coordinator's register. So no disk may be lost
//   that has, or may get, a log or a storage server: only those of coordinators that are apart
//   (topology.h), and of these, in the whole of a run, as many as leave a majority.
// - A coordinator whose disk lies is not known as lost: none may.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "sim/fault/survival_policy.h"

namespace orrery::workloads {

class DatabasePolicy final : public sim::SurvivalPolicy {
 public:
  bool Survives(const sim::World& world, const std::vector<const sim::Machine*>& machines,
                sim::Harm harm) override;

 private:
  std::set<std::string> lost_;  // Machines of coordinators.
};

}  // namespace orrery::workloads
