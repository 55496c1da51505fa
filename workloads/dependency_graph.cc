// Strongly connected components (Tarjan, "Depth-first search and linear graph algorithms", 1972),
// without recursion, and a breadth-first search within one.
#include "workloads/dependency_graph.h"

#include <algorithm>
#include <deque>

namespace orrery::workloads {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);
constexpr size_t kSearchesMax = 200;  // Nodes from which circles are looked for.

}  // namespace

DependencyGraph::Components DependencyGraph::FindComponents() const {
  struct Visit {
    size_t node;
    size_t next_edge;
  };
  const size_t nodes = edges_.size();
  Components components{.of = std::vector<size_t>(nodes, kNone), .sizes = {}};
  std::vector<size_t> index(nodes, kNone);
  std::vector<size_t> low(nodes, 0);
  std::vector<size_t> stack;
  size_t visited = 0;
  for (size_t root = 0; root < nodes; ++root) {
    if (index[root] != kNone) continue;
    std::vector<Visit> path = {{root, 0}};
    while (!path.empty()) {
      const size_t node = path.back().node;
      if (path.back().next_edge == 0) {
        index[node] = low[node] = visited++;
        stack.push_back(node);
      }
      if (path.back().next_edge < edges_[node].size()) {
        const size_t to = edges_[node][path.back().next_edge++].to;
        if (index[to] == kNone) {
          path.push_back({to, 0});
        } else if (components.of[to] == kNone) {
          low[node] = std::min(low[node], index[to]);
        }
        continue;
      }
      path.pop_back();
      if (!path.empty()) low[path.back().node] = std::min(low[path.back().node], low[node]);
      if (low[node] != index[node]) continue;
      size_t member;
      components.sizes.push_back(0);
      do {
        member = stack.back();
        stack.pop_back();
        components.of[member] = components.sizes.size() - 1;
        ++components.sizes.back();
      } while (member != node);
    }
  }
  return components;
}

std::vector<DependencyGraph::Step> DependencyGraph::ShortestThrough(
    size_t start, const Components& components) const {
  std::vector<Step> reached_by(edges_.size(), Step{kNone, {}});
  std::deque<size_t> line = {start};
  while (!line.empty()) {
    const size_t node = line.front();
    line.pop_front();
    for (const Edge& edge : edges_[node]) {
      if (components.of[edge.to] != components.of[start]) continue;
      if (edge.to != start) {
        if (reached_by[edge.to].from != kNone) continue;
        reached_by[edge.to] = {node, edge};
        line.push_back(edge.to);
        continue;
      }
      std::vector<Step> circle = {{node, edge}};
      for (size_t at = node; at != start; at = reached_by[at].from) {
        circle.push_back(reached_by[at]);
      }
      std::reverse(circle.begin(), circle.end());
      return circle;
    }
  }
  return {};
}

std::vector<DependencyGraph::Step> DependencyGraph::FindCircle() const {
  const Components components = FindComponents();
  std::vector<Step> best;
  size_t searches = 0;
  for (size_t node = 0; node < edges_.size() && searches < kSearchesMax; ++node) {
    if (components.sizes[components.of[node]] < 2) continue;
    ++searches;
    std::vector<Step> circle = ShortestThrough(node, components);
    if (best.empty() || circle.size() < best.size()) best = std::move(circle);
  }
  return best;
}

}  // namespace orrery::workloads
