// The clock owns waiting, not only reading: timers are nodes armed on it.
#pragma once

#include <cstdint>

#include "core/async/executor.h"
#include "core/base/time.h"

namespace orrery {

class Clock;

// A node that becomes ready at a moment. Embedded in awaiters and connections.
class TimerNode : public ReadyNode {
 public:
  inline ~TimerNode();  // Disarms: O(log n).

  bool armed() const { return clock != nullptr; }

  Time due{};
  Clock* clock = nullptr;  // Where it is armed; owned by that clock.
  uint64_t tie = 0;        // Order among equal `due`; set by the clock when armed.
  uint32_t heap_slot = 0;  // Owned by the clock.
};

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  // Monotonic time of this process. It may drift against other processes' clocks and, when the
  // process was suspended, jump forward; it never goes back.
  virtual Time Now() const = 0;

  // Microseconds since 1970 in UTC as the machine believes them. May jump either way. For output
  // only: no decision may depend on it.
  virtual int64_t WallMicros() const = 0;

  // Dispatches `timer` at the loop's top once Now() >= due, never inside Arm; a `due` in the past
  // is dispatched soon, and counts as one of about now: it does not go before others for ever.
  // REQUIRES: !timer.armed(), timer.run is set.
  virtual void Arm(TimerNode& timer, Time due) noexcept = 0;

  // Takes an armed timer out; it will not be dispatched. REQUIRES: timer.clock == this.
  virtual void Disarm(TimerNode& timer) noexcept = 0;

 protected:
  ~Clock() = default;
};

inline TimerNode::~TimerNode() {
  if (clock != nullptr) clock->Disarm(*this);
}

}  // namespace orrery
