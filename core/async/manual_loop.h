// ManualLoop: a loop and clock for unit tests of anything built on core/async. Time stands still
// until the loop has nothing to run, then jumps to the next timer.
#pragma once

#include "core/async/clock.h"
#include "core/async/run_queue.h"
#include "core/async/timer_heap.h"

namespace orrery {

class ManualLoop final : public Executor, public Clock {
 public:
  void Post(ReadyNode& node) noexcept override { ready_.Push(node, this); }
  void Remove(ReadyNode& node) noexcept override {
    (node.slot & kTurnEnd ? turn_end_ : ready_).Remove(node);
  }
  void AtTurnEnd(ReadyNode& node) noexcept override { turn_end_.Push(node, this); }

  Time Now() const override { return now_; }
  int64_t WallMicros() const override { return ToNanoseconds(now_) / 1000; }
  void Arm(TimerNode& timer, Time due) noexcept override {
    timer.due = due < now_ ? now_ : due;
    timer.tie = ++ties_;
    timer.clock = this;
    timers_.Push(timer);
  }
  void Disarm(TimerNode& timer) noexcept override {
    timers_.Remove(timer);
    timer.clock = nullptr;
  }

  // Runs one ready node, turn-end node or timer. False when there is none of them.
  bool Step() {
    if (ReadyNode* node = ready_.Pop()) {
      Dispatch(*node);
    } else if (ReadyNode* last = turn_end_.Pop()) {
      Dispatch(*last);
    } else if (!timers_.empty()) {
      TimerNode& timer = timers_.Pop();
      timer.clock = nullptr;
      now_ = timer.due;
      Dispatch(timer);
    } else {
      return false;
    }
    return true;
  }

  // Nodes that are ready and timers that are armed.
  size_t pending() const { return ready_.size() + turn_end_.size() + timers_.size(); }

  // Runs until nothing is left to run or wait for.
  void Run() {
    while (Step()) {
    }
  }

  // Runs everything due up to now + d, then lets the time be now + d.
  void RunFor(Duration d) {
    const Time end = now_ + d;
    while (!ready_.empty() || !turn_end_.empty() || (!timers_.empty() && timers_.TopDue() <= end)) {
      Step();
    }
    now_ = end;
  }

 private:
  static constexpr uint32_t kTurnEnd = 1u << 31;

  RunQueue ready_;
  RunQueue turn_end_{kTurnEnd};
  TimerHeap timers_;
  Time now_{};
  uint64_t ties_ = 0;
};

}  // namespace orrery
