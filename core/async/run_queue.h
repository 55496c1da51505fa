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
  RunQueue() = default;
  // With a mark: a bit that stands in the slot of each node queued here, for an owner of two queues
  // to tell them apart. REQUIRES: a bit above any number of nodes.
  explicit RunQueue(uint32_t mark) : mark_(mark) {}

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  void Push(ReadyNode& node, Executor* owner) {
    Lane& lane = lanes_[static_cast<size_t>(node.priority)];
    if (lane.nodes.size() >= kCompactAbove && lane.nodes.size() >= 2 * lane.live) Compact(lane);
    node.queue = owner;
    node.slot = static_cast<uint32_t>(lane.nodes.size()) | mark_;
    lane.nodes.push_back(&node);
    ++lane.live;
    ++size_;
  }

  // REQUIRES: `node` is queued here, and has the priority it was pushed with.
  void Remove(ReadyNode& node) {
    Lane& lane = lanes_[static_cast<size_t>(node.priority)];
    lane.nodes[node.slot & ~mark_] = nullptr;
    Left(lane, node);
  }

  // The next node, out of the queue; nullptr when there is none.
  ReadyNode* Pop() {
    if (size_ == 0) return nullptr;
    for (Lane& lane : lanes_) {
      if (lane.live == 0) continue;
      while (lane.nodes[lane.next] == nullptr) ++lane.next;
      ReadyNode* const node = lane.nodes[lane.next++];
      Left(lane, *node);
      return node;
    }
    return nullptr;
  }

 private:
  static constexpr size_t kCompactAbove = 1024;

  struct Lane {
    std::vector<ReadyNode*> nodes;  // nullptr where a node was removed.
    size_t next = 0;                // What lies before was popped.
    size_t live = 0;
  };

  void Left(Lane& lane, ReadyNode& node) {
    node.queue = nullptr;
    --size_;
    if (--lane.live > 0) return;
    lane.nodes.clear();
    lane.next = 0;
  }

  // A lane that never runs dry would grow without end: squeeze out what was popped or removed.
  void Compact(Lane& lane) {
    size_t kept = 0;
    for (size_t i = lane.next; i < lane.nodes.size(); ++i) {
      if (lane.nodes[i] == nullptr) continue;
      lane.nodes[kept] = lane.nodes[i];
      lane.nodes[kept]->slot = static_cast<uint32_t>(kept) | mark_;
      ++kept;
    }
    lane.nodes.resize(kept);
    lane.next = 0;
  }

  std::array<Lane, kPriorityCount> lanes_;
  size_t size_ = 0;
  uint32_t mark_ = 0;
};

}  // namespace orrery
