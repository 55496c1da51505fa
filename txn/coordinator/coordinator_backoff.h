// Backoff: the pauses of a loop that asks a coordinator again after failures.
#pragma once

#include <algorithm>

#include "core/async/sleep.h"
#include "core/env/env.h"
#include "core/knobs/knobs.h"
#include "txn/coordinator/coordinator_knobs.h"

namespace orrery {

class Backoff {
 public:
  // REQUIRES: `env` outlives it.
  explicit Backoff(Env& env)
      : env_(env),
        knobs_(env.knobs().Get<CoordinatorKnobs>()),
        ceiling_(knobs_.coordinator_retry_delay_min) {}

  // After a success: the next pause is a short one again.
  void Reset() { ceiling_ = knobs_.coordinator_retry_delay_min; }

  // co_await Pause(): drawn from the upper half below a ceiling that doubles each time.
  Sleep Pause() {
    const Duration pause = env_.random("coordinator.pause").Between(ceiling_ / 2, ceiling_);
    ceiling_ = std::max(ceiling_, std::min(ceiling_ * 2, knobs_.coordinator_retry_delay_max));
    return Sleep(env_.clock(), pause);
  }

 private:
  Env& env_;
  const CoordinatorKnobs& knobs_;
  Duration ceiling_;
};

}  // namespace orrery
