// RunQueue: the ready nodes of a real loop: by priority, in order of arrival within one, with
// removal in O(1). (A simulated loop picks by the seed and has its own.)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/async/executor.h"

namespace orrery {

class RunQueue {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  void Push(ReadyNode& node, Executor* owner) {
    Lane& lane = lanes_[static_cast<size_t>(node.priority)];
    node.queue = owner;
    node.slot = static_cast<uint32_t>(lane.nodes.size());
    lane.nodes.push_back(&node);
    ++size_;
  }

  // REQUIRES: `node` is queued here.
  void Remove(ReadyNode& node) {
    lanes_[static_cast<size_t>(node.priority)].nodes[node.slot] = nullptr;
    node.queue = nullptr;
    --size_;
  }

  // The next node, out of the queue; nullptr when there is none.
  ReadyNode* Pop() {
    if (size_ == 0) return nullptr;
    for (Lane& lane : lanes_) {
      while (lane.next < lane.nodes.size()) {
        ReadyNode* const node = lane.nodes[lane.next++];
        if (lane.next == lane.nodes.size()) lane.Clear();
        if (node == nullptr) continue;
        node->queue = nullptr;
        --size_;
        lane.CompactIfLong();
        return node;
      }
    }
    return nullptr;
  }

 private:
  struct Lane {
    std::vector<ReadyNode*> nodes;  // nullptr where a node was removed.
    size_t next = 0;

    void Clear() {
      nodes.clear();
      next = 0;
    }
    // A lane that never runs dry would grow: drop what is behind it once that is most of it.
    void CompactIfLong() {
      if (next < 1024 || next * 2 < nodes.size()) return;
      nodes.erase(nodes.begin(), nodes.begin() + static_cast<ptrdiff_t>(next));
      next = 0;
      for (size_t i = 0; i < nodes.size(); ++i) {
        if (nodes[i] != nullptr) nodes[i]->slot = static_cast<uint32_t>(i);
      }
    }
  };

  std::array<Lane, kPriorityCount> lanes_;
  size_t size_ = 0;
};

}  // namespace orrery
