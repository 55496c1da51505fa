// Mutex: one holder at a time across suspensions, first come first served.
//
//   Mutex::Guard guard = co_await mutex.Lock();
//
// - Who resumes where: unlocking transfers the lock to the task that has waited longest and posts
//   it; nobody can slip in between. A free lock is taken without suspending.
// - Cancel-safe: yes. A waiter destroyed after it was granted the lock and before it ran gives the
//   lock to the next in line. A holder's Guard unlocks when its frame is destroyed: what the lock
//   protects must be in order at each suspension, or be mended by the holder's destructors.
// - Destroying the Mutex REQUIRES that nobody holds it or waits for it.
// - Not needed where nothing suspends: code between two suspensions is atomic on its loop. Not
//   recursive. Not between loops.
#pragma once

#include <coroutine>
#include <utility>

#include "core/async/wait_queue.h"
#include "core/base/invariant.h"

namespace orrery {

class Mutex {
 public:
  Mutex() = default;
  ~Mutex() { INVARIANT(!locked_, locked_); }

  // The right to what the Mutex protects, until destroyed.
  class [[nodiscard]] Guard {
   public:
    Guard(Guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Guard& operator=(Guard&& other) noexcept {
      if (this != &other) {
        Unlock();
        mutex_ = std::exchange(other.mutex_, nullptr);
      }
      return *this;
    }
    ~Guard() { Unlock(); }

    // Gives the lock up early.
    void Unlock() noexcept {
      if (mutex_ != nullptr) std::exchange(mutex_, nullptr)->PassOn();
    }

   private:
    friend class Mutex;
    explicit Guard(Mutex* mutex) : mutex_(mutex) {}
    Mutex* mutex_;
  };

  class [[nodiscard]] Awaiter : public QueuedWaiter {
   public:
    ~Awaiter() {
      if (waiting()) {
        mutex_.line_.Remove(*this);
      } else if (granted_) {
        mutex_.PassOn();
      }
    }
    bool await_ready() noexcept {
      if (mutex_.locked_) return false;
      return granted_ = mutex_.locked_ = true;
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
      Suspend(awaiting);
      mutex_.line_.PushBack(*this);
    }
    Guard await_resume() noexcept {
      granted_ = false;
      return Guard(&mutex_);
    }

   private:
    friend class Mutex;
    explicit Awaiter(Mutex& mutex) : mutex_(mutex) {}

    Mutex& mutex_;
    bool granted_ = false;  // Holds the lock and has not made a Guard of it yet.
  };

  // co_await Lock() gives a Guard.
  Awaiter Lock() { return Awaiter(*this); }

  // True also while the lock is on its way to a waiter.
  bool locked() const { return locked_; }

 private:
  void PassOn() noexcept {
    if (line_.empty()) {
      locked_ = false;
      return;
    }
    Awaiter& next = static_cast<Awaiter&>(*line_.first());
    line_.Remove(next);
    next.granted_ = true;
    next.Wake();
  }

  WaitQueue line_;
  bool locked_ = false;
};

}  // namespace orrery
