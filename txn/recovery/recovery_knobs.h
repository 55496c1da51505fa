// Times of a recovery.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_RECOVERY_KNOBS(KNOB)                                                                \
  KNOB(Duration, recovery_lock_timeout, Seconds(5), random.Between(Seconds(1), Seconds(5)), "s",   \
       "one try to lock an old log; then it is asked again")                                       \
  KNOB(Duration, recovery_lock_retry_delay, Milliseconds(200),                                     \
       random.Between(Milliseconds(20), Milliseconds(500)), "s",                                   \
       "longest pause before a silent log is asked again")                                         \
  KNOB(Duration, recovery_lock_grace, Milliseconds(300),                                           \
       random.Between(Milliseconds(1), Milliseconds(1000)), "s",                                   \
       "wait for the answers of further logs once those that came suffice")                        \
  KNOB(Duration, recovery_wait_max, Seconds(10), random.Between(Seconds(2), Seconds(20)), "s",     \
       "wait for silent logs, or for workers, before the register is read again: another "         \
       "controller may have recovered meanwhile, and what is waited for may never come")           \
  KNOB(Duration, recovery_metadata_timeout, Seconds(20), random.Between(Seconds(5), Seconds(20)),  \
       "s", "reading the metadata out of the old logs")                                            \
  KNOB(Duration, recovery_probe_timeout, Seconds(5), random.Between(Seconds(1), Seconds(5)), "s",  \
       "asking one log whether it delivers what it claims to have, after somebody could not read") \
  KNOB(Duration, recovery_placement_wait, Milliseconds(200),                                       \
       random.Between(Milliseconds(1), Milliseconds(1000)), "s",                                   \
       "wait for more workers when a generation can be placed, but not well")                      \
  KNOB(Duration, recovery_worker_poll_interval, Milliseconds(50),                                  \
       random.Between(Milliseconds(10), Milliseconds(200)), "s",                                   \
       "pause between looks at the workers while there are too few")                               \
  KNOB(Duration, recovery_recruit_timeout, Seconds(10), random.Between(Seconds(3), Seconds(10)),   \
       "s", "recruiting one role")                                                                 \
  KNOB(Duration, recovery_copy_timeout, Seconds(60), random.Between(Seconds(20), Seconds(60)),     \
       "s", "recruiting one log, what it copies included")                                         \
  KNOB(Duration, recovery_push_timeout, Seconds(10), random.Between(Seconds(3), Seconds(10)), "s", \
       "making the recovery transaction durable on one new log")                                   \
  KNOB(Duration, recovery_write_timeout, Seconds(10), random.Between(Seconds(2), Seconds(10)),     \
       "s", "writing the register; beyond it the outcome is unknown")                              \
  KNOB(Duration, recovery_advance_timeout, Seconds(1), standard, "s",                              \
       "telling the new logs that the recovery transaction is committed")

ORRERY_DEFINE_KNOBS(RecoveryKnobs, ORRERY_RECOVERY_KNOBS);

}  // namespace orrery
