// Walking the ring.
#include "workloads/ring_check.h"

#include <optional>
#include <vector>

#include "workloads/violation.h"

namespace orrery::workloads {

namespace {

// Two nodes that are followed by the same one, if there are: a write of one of their swaps is lost.
sim::Evidence TwoBeforeOne(const std::vector<uint64_t>& next) {
  std::vector<std::optional<uint64_t>> before(next.size());
  const auto name = [](uint64_t node) { return "node " + std::to_string(node); };
  for (uint64_t node = 0; node < next.size(); ++node) {
    const uint64_t to = next[node];
    if (before[to].has_value()) {
      return {.nodes = {{.label = name(*before[to])}, {.label = name(node)}, {.label = name(to)}},
              .edges = {{.from = 0, .to = 2, .label = "is followed by"},
                        {.from = 1, .to = 2, .label = "is followed by"}}};
    }
    before[to] = node;
  }
  return {};
}

}  // namespace

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
                          std::to_string(nodes) + " nodes",
                      TwoBeforeOne(next));
    }
  }
  if (at != 0) {
    return Violated("the ring does not lead back to its beginning", TwoBeforeOne(next));
  }
  return absl::OkStatus();
}

}  // namespace orrery::workloads
