// Times of coordinators and of those who ask them.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_COORDINATOR_KNOBS(KNOB)                                                            \
  KNOB(Duration, nominee_silence_max, Seconds(1), random.Between(Milliseconds(500), Seconds(3)),  \
       "s", "a candidate whose last poll was answered this long ago is gone")                     \
  KNOB(Duration, nominee_reset_silence_max, Milliseconds(300),                                    \
       random.Between(Milliseconds(100), Seconds(1)), "s",                                        \
       "the same after a poll that broke: most likely its process died")                          \
  KNOB(Duration, coordinator_wait_max, Seconds(60), standard, "s",                                \
       "longest wait of a poll at a coordinator, whatever was asked for")                         \
  KNOB(Duration, nominate_wait, Seconds(3), random.Between(Milliseconds(500), Seconds(3)), "s",   \
       "long poll of a candidate; a leader that fell silent is named this much longer")           \
  KNOB(Duration, leader_watch_wait, Seconds(20), random.Between(Seconds(1), Seconds(20)), "s",    \
       "long poll of those who only want to know who leads")                                      \
  KNOB(Duration, leader_unreachable_max, Seconds(3), random.Between(Seconds(1), Seconds(5)), "s", \
       "a leader counts a coordinator that it cannot reach as its own for this long")             \
  KNOB(Duration, coordinator_call_timeout, Seconds(2),                                            \
       random.Between(Milliseconds(500), Seconds(5)), "s",                                        \
       "one call to a coordinator, beyond what it was asked to wait")                             \
  KNOB(Duration, coordinator_retry_delay_min, Milliseconds(50),                                   \
       random.Between(Milliseconds(5), Milliseconds(200)), "s",                                   \
       "longest first pause after a call to a coordinator failed, or was overtaken")              \
  KNOB(Duration, coordinator_retry_delay_max, Seconds(1),                                         \
       random.Between(Milliseconds(200), Seconds(2)), "s",                                        \
       "the pause doubles up to this, less a random part")

ORRERY_DEFINE_KNOBS(CoordinatorKnobs, ORRERY_COORDINATOR_KNOBS);

}  // namespace orrery
