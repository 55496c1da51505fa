// WaitQueue: suspended awaiters in order of arrival, the plumbing of Notify, Mutex, Semaphore and
// Stream. Not for use outside core/async.
//
// An awaiter that derives from QueuedWaiter stands in at most one queue. Its destructor leaves the
// queue, or gives back what it was granted: the queue cannot know which.
#pragma once

#include "core/async/executor.h"

namespace orrery {

class QueuedWaiter : public Waiter {
 public:
  bool waiting() const { return waiting_; }

 private:
  friend class WaitQueue;
  QueuedWaiter* before_ = nullptr;
  QueuedWaiter* behind_ = nullptr;
  bool waiting_ = false;
};

class WaitQueue {
 public:
  WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  bool empty() const { return first_ == nullptr; }
  QueuedWaiter* first() const { return first_; }

  void PushBack(QueuedWaiter& waiter) noexcept {
    waiter.before_ = last_;
    waiter.behind_ = nullptr;
    waiter.waiting_ = true;
    (last_ != nullptr ? last_->behind_ : first_) = &waiter;
    last_ = &waiter;
  }

  // REQUIRES: `waiter` stands in this queue.
  void Remove(QueuedWaiter& waiter) noexcept {
    (waiter.before_ != nullptr ? waiter.before_->behind_ : first_) = waiter.behind_;
    (waiter.behind_ != nullptr ? waiter.behind_->before_ : last_) = waiter.before_;
    waiter.waiting_ = false;
  }

 private:
  QueuedWaiter* first_ = nullptr;
  QueuedWaiter* last_ = nullptr;
};

}  // namespace orrery
