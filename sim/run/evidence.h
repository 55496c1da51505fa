// Evidence: what an oracle saw, as a small graph: the circle of transactions that shows that a
// history is not serialisable, the write and the read that contradict each other. A checker
// attaches it to its verdict; reports tell it, pictures of a run draw it.
//
//   return WithEvidence(Violated("..."), {.nodes = {...}, .edges = {{.from = 0, .to = 1, ...}}});
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace orrery::sim {

struct Evidence {
  struct Node {
    std::string label;          // "T17: append 5 to list 2, read list 3"
    std::string workload = {};  // With `client` and `ordinal`: the operation, where it is one.
    int client = -1;            // -1: of no client.
    int64_t ordinal = -1;       // As Operations counts; -1: of no operation.
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

// `status` with the evidence attached; as it is when it is ok or the evidence is empty.
absl::Status WithEvidence(absl::Status status, const Evidence& evidence);
// nullopt when none is attached.
std::optional<Evidence> EvidenceOf(const absl::Status& status);
// `to` with what is attached to `from`, if anything: for whoever puts an error into other words.
absl::Status CopyEvidence(const absl::Status& from, absl::Status to);

// For people: a line for each node, and below it one for each edge from it.
std::string DescribeEvidence(const Evidence& evidence);

// On its way between processes.
std::string EncodeEvidence(const Evidence& evidence);
std::optional<Evidence> DecodeEvidence(std::string_view bytes);

}  // namespace orrery::sim
