// ClientBackoff: waits that grow, jittered, for loops that try again inside of a call.
#pragma once

#include <algorithm>

#include "core/async/sleep.h"
#include "core/async/task.h"
#include "core/env/env.h"
#include "core/knobs/knobs.h"
#include "txn/client/client_knobs.h"

namespace orrery {

class ClientBackoff {
 public:
  // REQUIRES: `env` outlives it.
  ClientBackoff(Env& env, Duration delay_max)
      : env_(env),
        delay_min_(env.knobs().Get<ClientKnobs>().client_backoff_min),
        delay_max_(delay_max) {}

  void set_delay_max(Duration delay_max) { delay_max_ = delay_max; }
  void Reset() { ceiling_ = Duration(0); }

  // The next wait: uniform below a ceiling that doubles ("full jitter", see core/async/retry.h).
  Duration Next() {
    ceiling_ = std::min(ceiling_ == Duration(0) ? delay_min_ : ceiling_ * 2, delay_max_);
    return env_.random("client.backoff").Between(Duration(0), ceiling_);
  }
  Sleep Wait() { return Sleep(env_.clock(), Next()); }

 private:
  Env& env_;
  Duration delay_min_;
  Duration delay_max_;
  Duration ceiling_{};
};

}  // namespace orrery
