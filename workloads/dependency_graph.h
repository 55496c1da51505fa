// DependencyGraph: what must come before what, with reasons, and a shortest circle in it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace orrery::workloads {

class DependencyGraph {
 public:
  struct Edge {
    size_t to = 0;
    std::string reason;  // "ww on 5"; empty for edges that only lead on.
  };
  struct Step {
    size_t from = 0;
    Edge edge;
  };

  explicit DependencyGraph(size_t nodes) : edges_(nodes) {}

  size_t AddNode() {
    edges_.emplace_back();
    return edges_.size() - 1;
  }
  void AddEdge(size_t from, size_t to, std::string reason) {
    edges_[from].push_back({to, std::move(reason)});
  }

  // A circle with the fewest edges among those through some node; empty when there is none.
  std::vector<Step> FindCircle() const;

 private:
  // For each node the number of its strongly connected component, and how many nodes each has.
  struct Components {
    std::vector<size_t> of;
    std::vector<size_t> sizes;
  };
  Components FindComponents() const;
  std::vector<Step> ShortestThrough(size_t start, const Components& components) const;

  std::vector<std::vector<Edge>> edges_;
};

}  // namespace orrery::workloads
