// Times of workers.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_WORKER_KNOBS(KNOB)                                                                 \
  KNOB(Duration, worker_register_wait, Seconds(20), random.Between(Seconds(2), Seconds(20)), "s", \
       "long poll of a worker at the controller")                                                 \
  KNOB(Duration, worker_register_slack, Seconds(5), standard, "s",                                \
       "how much longer than asked the controller may take to answer a poll")                     \
  KNOB(Duration, worker_register_retry_delay, Milliseconds(100),                                  \
       random.Between(Milliseconds(10), Milliseconds(500)), "s",                                  \
       "longest pause before a worker registers again after a failure")                           \
  KNOB(Duration, worker_unpublished_role_max, Seconds(60),                                        \
       random.Between(Seconds(10), Seconds(60)), "s",                                             \
       "a recruited sequencer, proxy or resolver that no published state names ends after this; " \
       "longer than a recovery takes from its recruiting to its end")                             \
  KNOB(Duration, worker_role_end_wait_max, Seconds(60), standard, "s",                            \
       "longest wait of a poll for the end of a role")                                            \
  KNOB(int64_t, worker_ended_roles_max, 100, standard, "roles",                                   \
       "of how many ended roles a worker remembers why")

ORRERY_DEFINE_KNOBS(WorkerKnobs, ORRERY_WORKER_KNOBS);

}  // namespace orrery
