// Walking the ring.
#include "workloads/ring_check.h"

#include <vector>

#include "workloads/violation.h"

namespace orrery::workloads {

absl::Status CheckRing(const Rows& rows, uint64_t nodes) {
  if (rows.size() != nodes) {
    return Violated("the ring should have " + std::to_string(nodes) + " nodes, and " +
                    std::to_string(rows.size()) + " rows were read");
  }
  std::vector<uint64_t> next;
  for (const auto& [key, value] : rows) {
    const std::optional<uint64_t> to = ParseNumber(value);
    if (NumberOfKey(key) != next.size() || !to.has_value() || *to >= nodes) {
      return Violated("row " + key + " = " + value + " is no node of the ring");
    }
    next.push_back(*to);
  }
  uint64_t at = 0;
  for (uint64_t steps = 1; steps <= nodes; ++steps) {
    at = next[at];
    if (at == 0 && steps < nodes) {
      return Violated("the ring closes after " + std::to_string(steps) + " of " +
                      std::to_string(nodes) + " nodes");
    }
  }
  if (at != 0) return Violated("the ring does not lead back to its beginning");
  return absl::OkStatus();
}

}  // namespace orrery::workloads
