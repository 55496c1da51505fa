// The kinds of faults as a table: one row per member of Fault's `oneof kind`, and how one of that
// kind is drawn.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"

namespace orrery::sim {

class Fault;

// Whom a drawn fault may hit, in the order of the deployment.
struct FaultTargets {
  struct MachinePlace {
    std::string name;
    std::string zone;
    std::string data_center;
  };
  std::vector<MachinePlace> machines;   // Under test.
  std::vector<std::string> processes;   // Under test.
  std::vector<std::string> everywhere;  // All machines, the clients' too: for the network.
};

struct FaultKind {
  std::string_view name;   // As in fault_plan.proto.
  std::string_view group;  // "process", "network", "disk" or "clock".
  // How long one lasts; for what has no end of its own both are zero.
  Duration shortest;
  Duration longest;
  // How often it comes beside others that are on: twice as often with twice the weight.
  uint32_t weight;
  // Sets the member of `kind` and its fields. Returns false when there is nobody to hit.
  bool (*draw)(Fault& fault, Random& random, const FaultTargets& targets);
};

std::span<const FaultKind> AllFaultKinds();

// The row of the kind that `fault` has; nullptr when it has none.
const FaultKind* KindOf(const Fault& fault);

}  // namespace orrery::sim
