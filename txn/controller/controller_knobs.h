// Times of the cluster controller.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_CONTROLLER_KNOBS(KNOB)                                                              \
  KNOB(Duration, controller_worker_life, Seconds(4), random.Between(Seconds(1), Seconds(4)), "s",  \
       "a worker that does not ask for this long is forgotten")                                    \
  KNOB(Duration, controller_poll_wait_max, Seconds(60), standard, "s",                             \
       "longest wait of a worker's or client's poll")                                              \
  KNOB(Duration, controller_role_poll_wait, Seconds(30), random.Between(Seconds(5), Seconds(30)),  \
       "s", "poll of a worker for the end of a role")                                              \
  KNOB(Duration, controller_role_poll_slack, Seconds(5), standard, "s",                            \
       "how much longer than asked a worker may take to answer; then the role counts as dead")     \
  KNOB(Duration, controller_retry_delay_min, Milliseconds(20),                                     \
       random.Between(Milliseconds(5), Milliseconds(100)), "s",                                    \
       "longest wait before the attempt after the first recovery that failed")                     \
  KNOB(Duration, controller_retry_delay_max, Seconds(3),                                           \
       random.Between(Milliseconds(500), Seconds(3)), "s",                                         \
       "longest wait between attempts to recover: it doubles up to this")                          \
  KNOB(Duration, controller_not_created_delay, Seconds(1),                                         \
       random.Between(Milliseconds(100), Seconds(1)), "s",                                         \
       "wait before the register is read again while no database was created")                     \
  KNOB(Duration, controller_drain_interval, Milliseconds(500),                                     \
       random.Between(Milliseconds(50), Seconds(2)), "s",                                          \
       "pause between questions to storage servers while old log sets exist")                      \
  KNOB(Duration, controller_drain_timeout, Seconds(5), standard, "s",                              \
       "one question to a storage server, and one read of the register, while draining")           \
  KNOB(Duration, controller_write_timeout, Seconds(10), random.Between(Seconds(2), Seconds(10)),   \
       "s", "writing the register without drained sets; beyond it the outcome is unknown")         \
  KNOB(Duration, controller_worker_rest, Seconds(5), random.Between(Seconds(1), Seconds(10)), "s", \
       "how long a worker that could not be reached is recruited only for want of others")         \
  KNOB(Duration, controller_distrust, Seconds(10), random.Between(Seconds(2), Seconds(10)), "s",   \
       "how long a log that did not deliver counts as silent")

ORRERY_DEFINE_KNOBS(ControllerKnobs, ORRERY_CONTROLLER_KNOBS);

}  // namespace orrery
