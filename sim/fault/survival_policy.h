// SurvivalPolicy: what the system under test claims to survive. The simulator knows nothing of
// replication; before it harms a machine it asks.
#pragma once

#include <string_view>
#include <vector>

namespace orrery::sim {

class Machine;
class World;

// How a fault hurts the copies on a machine.
enum class Harm {
  kUnavailable,  // Its processes are down or cut off for a while; its bytes come back.
  kVolatile,     // Power is lost: what was not synced may be gone.
  kDestroyed,    // Its disk is emptied.
  kDamaged,      // Durable bytes on it are damaged, or a write is acknowledged and not done.
};

// Given by the system under test; asked between events, and must not change the world.
class SurvivalPolicy {
 public:
  virtual ~SurvivalPolicy() = default;

  // Whether the system must still recover, without any loss of what it acknowledged, when `harm`
  // comes to all of `machines` at the same moment, on top of everything that is down or destroyed
  // now. A copy that was destroyed or damaged counts as lost until the policy, which may look into
  // the processes of `world`, sees it rebuilt.
  virtual bool Survives(const World& world, const std::vector<const Machine*>& machines,
                        Harm harm) = 0;
};

}  // namespace orrery::sim
