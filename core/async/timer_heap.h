// TimerHeap: the timers of a clock, earliest first. A 4-ary heap whose nodes know their place, so
// that a timer is taken out in O(log n) without leaving a tombstone. Ties go by TimerNode::tie,
// which the owner sets before Push: a counter for order of arrival, or a draw.
//
// Not aware of clocks: the owner sets and clears TimerNode::clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/async/clock.h"

namespace orrery {

class TimerHeap {
 public:
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }

  // The earliest timer. REQUIRES: !empty().
  TimerNode& Top() const { return *entries_.front().node; }
  Time TopDue() const { return entries_.front().due; }

  // REQUIRES: `node` is in no heap; node.due and node.tie are set and stay as they are.
  void Push(TimerNode& node) {
    entries_.push_back({node.due, node.tie, &node});
    SiftUp(entries_.size() - 1);
  }

  TimerNode& Pop() {
    TimerNode& top = Top();
    Remove(top);
    return top;
  }

  // REQUIRES: `node` is in this heap.
  void Remove(TimerNode& node) {
    const size_t hole = node.heap_slot;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (last.node == &node) return;
    entries_[hole] = last;
    if (hole > 0 && Before(last, entries_[(hole - 1) / 4])) {
      SiftUp(hole);
    } else {
      SiftDown(hole);
    }
  }

 private:
  struct Entry {
    Time due;
    uint64_t tie;
    TimerNode* node;
  };

  static bool Before(const Entry& a, const Entry& b) {
    return a.due != b.due ? a.due < b.due : a.tie < b.tie;
  }

  void Place(size_t at, const Entry& entry) {
    entries_[at] = entry;
    entry.node->heap_slot = static_cast<uint32_t>(at);
  }

  void SiftUp(size_t at) {
    const Entry entry = entries_[at];
    while (at > 0) {
      const size_t parent = (at - 1) / 4;
      if (!Before(entry, entries_[parent])) break;
      Place(at, entries_[parent]);
      at = parent;
    }
    Place(at, entry);
  }

  void SiftDown(size_t at) {
    const Entry entry = entries_[at];
    const size_t count = entries_.size();
    while (true) {
      const size_t first = at * 4 + 1;
      if (first >= count) break;
      size_t least = first;
      const size_t end = first + 4 < count ? first + 4 : count;
      for (size_t child = first + 1; child < end; ++child) {
        if (Before(entries_[child], entries_[least])) least = child;
      }
      if (!Before(entries_[least], entry)) break;
      Place(at, entries_[least]);
      at = least;
    }
    Place(at, entry);
  }

  std::vector<Entry> entries_;
};

}  // namespace orrery
