// Operations under way on a disk, as awaiters. Private to this room.
//
//   co_await DiskEvent(disk, loop, median, bytes, complete, abandon)
//
// waits as long as the disk takes, then gives what complete() returns. Destroyed while it is under
// way, it calls abandon() instead. Cancel-safe in that sense; resumes at the loop's top.
#pragma once

#include <coroutine>
#include <cstddef>
#include <utility>

#include "sim/disk/disk.h"

namespace orrery::sim {

// What the disk knows of an operation.
class DiskOperation : public TimerNode {
 public:
  DiskOperation(Disk& disk, Loop& loop, Duration median, uint64_t bytes);
  ~DiskOperation() { Leave(); }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    handle_ = awaiting;
    context = awaiting.promise().context;
    context->leaf = awaiting.address();
    Begin();
  }

  // Completes that much later, or earlier but not before now; nothing when its time has come.
  void Delay(Duration by);

 protected:
  bool under_way() const { return under_way_; }

 private:
  void Begin();
  void Leave();  // The operations under way.

  Disk& disk_;
  Loop& loop_;
  Time done_;
  bool under_way_ = false;
  size_t place_ = 0;  // In disk_.under_way_, while it is.
  std::coroutine_handle<> handle_;
};

template <class Complete, class Abandon>
class DiskEvent final : public DiskOperation {
 public:
  DiskEvent(Disk& disk, Loop& loop, Duration median, uint64_t bytes, Complete complete,
            Abandon abandon)
      : DiskOperation(disk, loop, median, bytes),
        complete_(std::move(complete)),
        abandon_(std::move(abandon)) {}
  ~DiskEvent() {
    if (under_way()) abandon_();
  }

  auto await_resume() { return complete_(); }

 private:
  Complete complete_;
  Abandon abandon_;
};

// The abandonment of an operation that happens whole or not at all.
template <class Complete>
auto PerhapsDone(Disk& disk, Complete complete) {
  return [&disk, complete] {
    if (disk.AbandonedHappens()) (void)complete();  // Nobody is there to be told of an error.
  };
}

}  // namespace orrery::sim
