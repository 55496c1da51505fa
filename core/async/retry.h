// Retry: calls again while the error is one that may go away, with waits that grow.
//
//   absl::StatusOr<Reply> reply = co_await Retry(
//       clock, random, {.first_delay = Milliseconds(10), .attempts_max = 5},
//       [&] { return Ask(peer); });
//
// The wait before attempt k + 1 is drawn uniformly from [0, min(delay_max, first_delay * 2^(k-1))]
// ("full jitter": Brooker, "Exponential Backoff And Jitter", 2015), so that callers that failed
// together do not come back together.
//
// - Runs in the caller's task; nothing is spawned. Cancel-safe: as the call is. Destroying it
//   destroys the attempt that runs, or disarms the wait.
// - Not for calls that must happen at most once: an error may say that the call may have taken
//   effect (ErrorInfo::maybe_done), and Retry makes it again all the same.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "core/async/clock.h"
#include "core/async/sleep.h"
#include "core/async/task.h"
#include "core/base/invariant.h"
#include "core/base/random.h"
#include "core/base/status.h"
#include "core/base/time.h"

namespace orrery {

struct RetryPolicy {
  Duration first_delay = Milliseconds(10);  // Upper end of the first wait. REQUIRES: > 0.
  Duration delay_max = Seconds(1);          // Upper end of every wait. REQUIRES: >= first_delay.
  uint32_t attempts_max = 0;                // Calls made at most; 0: only the deadline ends it.
  Time deadline = kNever;                   // No wait ends at or after it.
};

// Calls `call` (a function without parameters that gives a Task of absl::Status or StatusOr<X>)
// until it succeeds, fails with an error that is not retryable, or the policy's end is reached.
// Gives the last attempt's result. The deadline does not cut an attempt short: put a Timeout into
// `call`. `call` is kept until the end, so it may be a lambda with captures.
// REQUIRES: the policy has an end: attempts_max > 0 or a deadline. `clock` and `random` outlive it.
template <class F>
std::invoke_result_t<F&> Retry(Clock& clock, Random& random, RetryPolicy policy, F call) {
  INVARIANT(policy.attempts_max > 0 || policy.deadline != kNever, "a retry without end");
  INVARIANT(policy.first_delay > Duration(0) && policy.delay_max >= policy.first_delay,
            policy.first_delay.count(), policy.delay_max.count());
  Duration ceiling = policy.first_delay;
  for (uint32_t attempt = 1;; ++attempt) {
    auto result = co_await call();
    if (result.ok() || attempt == policy.attempts_max) co_return result;
    if constexpr (std::is_same_v<decltype(result), absl::Status>) {
      if (!IsRetryable(result)) co_return result;
    } else {
      if (!IsRetryable(result.status())) co_return result;
    }
    const Time again = After(clock.Now(), random.Between(Duration(0), ceiling));
    if (again >= policy.deadline) co_return result;
    co_await Sleep(clock, again);
    ceiling = ceiling > policy.delay_max / 2 ? policy.delay_max : ceiling * 2;
  }
}

}  // namespace orrery
