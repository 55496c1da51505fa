// SlotAllocator: which slots of a queue's file are free, handed out in the order they became free.
// And SlotMap: where the pages of the queue lie. Both keep runs, so their size is that of the
// file's fragmentation.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "core/base/invariant.h"

namespace orrery {

struct SlotRun {
  uint64_t first;
  uint64_t count;
};

class SlotAllocator {
 public:
  uint64_t free_count() const { return free_count_; }

  void Free(SlotRun run) {
    if (run.count == 0) return;
    free_count_ += run.count;
    if (!runs_.empty() && runs_.back().first + runs_.back().count == run.first) {
      runs_.back().count += run.count;
    } else {
      runs_.push_back(run);
    }
  }

  // REQUIRES: count <= free_count().
  std::vector<SlotRun> Take(uint64_t count) {
    INVARIANT(count <= free_count_, count, free_count_);
    free_count_ -= count;
    std::vector<SlotRun> taken;
    while (count > 0) {
      SlotRun& run = runs_.front();
      const uint64_t n = run.count < count ? run.count : count;
      taken.push_back({run.first, n});
      run.first += n;
      run.count -= n;
      count -= n;
      if (run.count == 0) runs_.pop_front();
    }
    return taken;
  }

 private:
  std::deque<SlotRun> runs_;
  uint64_t free_count_ = 0;
};

class SlotMap {
 public:
  // The pages after the last one. The first call says where the queue begins.
  void Append(uint64_t sequence, SlotRun slots) {
    if (runs_.empty()) {
      begin_ = end_ = sequence;
    }
    INVARIANT(sequence == end_, sequence, end_);
    end_ += slots.count;
    if (!runs_.empty() && runs_.back().first + runs_.back().count == slots.first) {
      runs_.back().count += slots.count;
    } else {
      runs_.push_back(slots);
      starts_.push_back(sequence);
    }
  }

  // Forgets pages below `sequence`, and gives their slots to `freed`.
  void PopBelow(uint64_t sequence, SlotAllocator& freed) {
    while (!runs_.empty() && begin_ < sequence) {
      SlotRun& run = runs_.front();
      const uint64_t n = run.count < sequence - begin_ ? run.count : sequence - begin_;
      freed.Free({run.first, n});
      run.first += n;
      run.count -= n;
      begin_ += n;
      starts_.front() += n;
      if (run.count == 0) {
        runs_.pop_front();
        starts_.pop_front();
      }
    }
  }

  // The slots of pages from `sequence` that lie together, at most `count_max`.
  // REQUIRES: the queue has that page.
  SlotRun Find(uint64_t sequence, uint64_t count_max) const {
    INVARIANT(!runs_.empty() && sequence >= begin_ && sequence < end_, sequence, begin_, end_);
    size_t low = 0;
    for (size_t high = starts_.size(); high - low > 1;) {
      const size_t middle = low + (high - low) / 2;
      (starts_[middle] <= sequence ? low : high) = middle;
    }
    const uint64_t skip = sequence - starts_[low];
    const uint64_t count = runs_[low].count - skip;
    return {runs_[low].first + skip, count < count_max ? count : count_max};
  }

  bool empty() const { return runs_.empty(); }
  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }

 private:
  std::deque<SlotRun> runs_;
  std::deque<uint64_t> starts_;  // The sequence of each run's first page.
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
};

}  // namespace orrery
