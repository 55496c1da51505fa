// Evidence: what an oracle saw, as a small graph: the circle of transactions that shows that a
// history is not serialisable, the write and the read that contradict each other. A checker
// attaches it to its verdict; pictures of a run draw it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace orrery::sim {

struct Evidence {
  struct Node {
    std::string label;      // "T17: append 5 to list 2, read list 3"
    std::string workload;   // With `client` and `ordinal`: the operation, where it is one.
    int client = -1;        // -1: of no client.
    int64_t ordinal = -1;   // As Operations counts; -1: of no operation.
  };
  struct Edge {
    size_t from = 0;  // Indices of nodes.
    size_t to = 0;
    std::string label;  // "rw on list 3"
  };
  std::vector<Node> nodes;
  std::vector<Edge> edges;

  bool empty() const { return nodes.empty(); }
};

// `status` with the evidence attached; it stays when the message is wrapped by CopyEvidence.
absl::Status WithEvidence(absl::Status status, const Evidence& evidence);
// nullopt when none is attached.
std::optional<Evidence> EvidenceOf(const absl::Status& status);
// `to` with what is attached to `from`, if anything.
absl::Status CopyEvidence(const absl::Status& from, absl::Status to);

}  // namespace orrery::sim
