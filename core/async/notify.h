// Notify: "something changed, look again". A condition variable of one loop.
//
//   while (!ready) co_await changed.Wait();
//
// - Who resumes where: NotifyOne and NotifyAll post the waiters; they resume from the loop's top.
//   A notification that finds no waiter is gone: the waiter's condition remembers, not the Notify.
// - Cancel-safe: yes. A waiter destroyed before it runs passes a NotifyOne on to the next waiter.
//   So a wake-up may come without need: wait in a loop.
// - Destroying a waiter takes it out of the line. Destroying the Notify REQUIRES that nobody waits
//   and that no NotifyOne is still under way; after NotifyAll it may go at once.
// - Not for handing over a value (Future), an item (Stream) or a right (Mutex, Semaphore).
#pragma once

#include <coroutine>
#include <cstddef>

#include "core/async/wait_queue.h"
#include "core/base/invariant.h"

namespace orrery {

class Notify {
 public:
  Notify() = default;
  ~Notify() { INVARIANT(line_.empty() && under_way_ == 0, under_way_); }

  class [[nodiscard]] Awaiter : public QueuedWaiter {
   public:
    ~Awaiter() {
      if (waiting()) {
        notify_.line_.Remove(*this);
      } else if (handed_) {
        --notify_.under_way_;
        notify_.NotifyOne();
      }
    }
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
      Suspend(awaiting);
      notify_.line_.PushBack(*this);
    }
    void await_resume() noexcept {
      if (handed_) --notify_.under_way_;
      handed_ = false;
    }

   private:
    friend class Notify;
    explicit Awaiter(Notify& notify) : notify_(notify) {}

    Notify& notify_;
    bool handed_ = false;  // Woken by NotifyOne, and has not run yet.
  };

  // co_await Wait(): until the next NotifyAll, or a NotifyOne that reaches this waiter.
  Awaiter Wait() { return Awaiter(*this); }

  // Posts the waiter that has waited longest, if there is one.
  void NotifyOne() noexcept {
    if (line_.empty()) return;
    Awaiter& first = static_cast<Awaiter&>(*line_.first());
    line_.Remove(first);
    first.handed_ = true;
    ++under_way_;
    first.Wake();
  }

  // Posts everyone who waits now, in order of arrival.
  void NotifyAll() noexcept {
    while (!line_.empty()) {
      QueuedWaiter& first = *line_.first();
      line_.Remove(first);
      first.Wake();
    }
  }

  bool has_waiters() const { return !line_.empty(); }

 private:
  WaitQueue line_;
  size_t under_way_ = 0;  // Waiters woken by NotifyOne that have not run yet.
};

}  // namespace orrery
