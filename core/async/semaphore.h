// Semaphore: a number of units (bytes in flight, operations at once), first come first served.
//
//   Semaphore::Units units = co_await budget.Acquire(bytes);
//
// - Who resumes where: released units go to whoever waits longest, and that task is posted. A large
//   request at the head of the line is not overtaken by small ones behind it. Units that are free
//   while nobody waits are taken without suspending.
// - Cancel-safe: yes. A waiter destroyed after it was granted units gives them back; one destroyed
//   in the line lets those behind it move up. Units held by a frame return when it is destroyed.
// - Destroying the Semaphore REQUIRES that all its units are back and nobody waits.
// - Not for a right to exclusive access (Mutex) or for queues of items (Stream).
#pragma once

#include <coroutine>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/async/wait_queue.h"
#include "core/base/invariant.h"

namespace orrery {

class Semaphore {
 public:
  explicit Semaphore(uint64_t units_max) : units_max_(units_max), free_(units_max) {}
  ~Semaphore() { INVARIANT(free_ == units_max_ && line_.empty(), free_, units_max_); }

  // Units taken, until destroyed or released.
  class [[nodiscard]] Units {
   public:
    Units(Units&& other) noexcept
        : semaphore_(other.semaphore_), count_(std::exchange(other.count_, 0)) {}
    Units& operator=(Units&& other) noexcept {
      if (this != &other) {
        Release();
        semaphore_ = other.semaphore_;
        count_ = std::exchange(other.count_, 0);
      }
      return *this;
    }
    ~Units() { Release(); }

    // Gives the units back early.
    void Release() noexcept {
      if (count_ > 0) semaphore_->Return(std::exchange(count_, 0));
    }

    uint64_t count() const { return count_; }

   private:
    friend class Semaphore;
    Units(Semaphore* semaphore, uint64_t count) : semaphore_(semaphore), count_(count) {}
    Semaphore* semaphore_;
    uint64_t count_;
  };

  class [[nodiscard]] Awaiter : public QueuedWaiter {
   public:
    ~Awaiter() {
      if (waiting()) {
        semaphore_.line_.Remove(*this);
        semaphore_.Grant();  // Those behind may need less.
      } else if (granted_) {
        semaphore_.Return(count_);
      }
    }
    bool await_ready() noexcept { return granted_ = semaphore_.Take(count_); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
      Suspend(awaiting);
      semaphore_.line_.PushBack(*this);
    }
    Units await_resume() noexcept {
      granted_ = false;
      return Units(&semaphore_, count_);
    }

   private:
    friend class Semaphore;
    Awaiter(Semaphore& semaphore, uint64_t count) : semaphore_(semaphore), count_(count) {}

    Semaphore& semaphore_;
    const uint64_t count_;
    bool granted_ = false;  // Has its units and has not made Units of them yet.
  };

  // co_await Acquire(n) gives n Units. REQUIRES: count <= units_max().
  Awaiter Acquire(uint64_t count) {
    INVARIANT(count <= units_max_, count, units_max_);
    return Awaiter(*this, count);
  }

  // The units, if they are free and nobody waits.
  std::optional<Units> TryAcquire(uint64_t count) {
    if (!Take(count)) return std::nullopt;
    return Units(this, count);
  }

  uint64_t free() const { return free_; }
  uint64_t units_max() const { return units_max_; }

 private:
  bool Take(uint64_t count) noexcept {
    if (!line_.empty() || count > free_) return false;
    free_ -= count;
    return true;
  }
  void Return(uint64_t count) noexcept {
    free_ += count;
    Grant();
  }
  void Grant() noexcept {
    while (!line_.empty()) {
      Awaiter& first = static_cast<Awaiter&>(*line_.first());
      if (first.count_ > free_) return;
      free_ -= first.count_;
      line_.Remove(first);
      first.granted_ = true;
      first.Wake();
    }
  }

  const uint64_t units_max_;
  uint64_t free_;
  WaitQueue line_;
};

}  // namespace orrery
