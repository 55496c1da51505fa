// Sleep and Yield: awaiters of time and of the loop.
#pragma once

#include <coroutine>

#include "core/async/clock.h"

namespace orrery {

// co_await Sleep(clock, d): resumes from the loop's top once `d` has passed on `clock`; a `d` of
// zero or less passes through the clock all the same, after everything due before. Cancel-safe:
// destroying the sleeper disarms it.
class [[nodiscard]] Sleep : public TimerNode {
 public:
  Sleep(Clock& clock, Duration d) : Sleep(clock, After(clock.Now(), d)) {}
  Sleep(Clock& clock, Time until) : on_(clock), until_(until) { run = &Resume; }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    handle_ = awaiting;
    context = awaiting.promise().context;
    context->leaf = awaiting.address();
    on_.Arm(*this, until_);
  }
  void await_resume() const noexcept {}

 private:
  static void Resume(ReadyNode* node) { static_cast<Sleep*>(node)->handle_.resume(); }

  Clock& on_;
  Time until_;
  std::coroutine_handle<> handle_;
};

// co_await Yield(): back to the ready queue, so that others run. Cancel-safe.
class [[nodiscard]] Yield : public Waiter {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    Suspend(awaiting);
    Wake();
  }
  void await_resume() const noexcept {}
};

}  // namespace orrery
