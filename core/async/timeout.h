// Timeout: a Task, but not for longer than a given time.
//
//   absl::StatusOr<Reply> reply = co_await Timeout(clock, Seconds(5), Ask(peer));
//
// - Who resumes where: the task starts at once, beneath the awaiting coroutine. Its end, or the
//   timer, posts the awaiting coroutine; a task that ends without suspending arms no timer. When
//   both come in the same turn the task's own result is given.
// - Out of time, the task is destroyed by the awaiting coroutine when it runs again, and the result
//   is the error timed_out. What the task had begun outside may still happen.
// - Cancel-safe: as its task is. Destroying the waiting coroutine destroys the task and disarms.
// - A time of zero or less still lets the task run to its first suspension.
// - Not for a deadline per call on a hot path: keep a TimerNode where the calls are kept.
#pragma once

#include <coroutine>
#include <utility>

#include "core/async/branch.h"
#include "core/async/clock.h"
#include "core/base/status.h"
#include "core/base/time.h"

namespace orrery {

namespace branch_internal {

// R is absl::Status or absl::StatusOr<X>.
template <class R>
class [[nodiscard]] Timed : public Junction {
 public:
  template <class A>
  Timed(Clock& clock, Duration limit, A awaitable)
      : Junction(1), clock_(clock), limit_(limit), branch_(Branch<R>::Run(std::move(awaitable))) {
    timer_.run = [](ReadyNode* node) { static_cast<Timer*>(node)->owner.Settle(); };
  }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    const Time due = After(clock_.Now(), limit_);
    const bool waits = SuspendAndStart(awaiting, [this] { branch_.Start(*this, 0); });
    if (waits) clock_.Arm(timer_, due);
    return waits;
  }
  R await_resume() noexcept {
    if (timer_.armed()) clock_.Disarm(timer_);
    R result = branch_.finished() ? branch_.Take() : R(Error(ErrorCode::timed_out));
    branch_.Destroy();
    return result;
  }

 private:
  struct Timer : TimerNode {
    explicit Timer(Timed& timed) : owner(timed) {}
    Timed& owner;
  };

  Clock& clock_;
  const Duration limit_;
  Timer timer_{*this};
  Branch<R> branch_;
};

}  // namespace branch_internal

// `awaitable` is a Task or Future of absl::Status or absl::StatusOr<X>.
template <class A>
branch_internal::Timed<branch_internal::Result<A>> Timeout(Clock& clock, Duration limit,
                                                           A awaitable) {
  return branch_internal::Timed<branch_internal::Result<A>>(clock, limit, std::move(awaitable));
}

}  // namespace orrery
