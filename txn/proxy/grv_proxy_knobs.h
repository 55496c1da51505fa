// Times and limits of the GRV proxy.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_GRV_PROXY_KNOBS(KNOB)                                                               \
  KNOB(int64_t, grv_proxy_waiting_requests_max, 20000, random.Between(100, 20000), "requests",     \
       "that wait at one priority; more are refused as overloaded")                                \
  KNOB(int64_t, grv_proxy_batch_requests_max, 10000, random.Between(1, 1000), "requests",          \
       "answered by one proof")                                                                    \
  KNOB(Duration, grv_proxy_call_timeout, Seconds(2), Milliseconds(random.Between(500, 5000)), "s", \
       "one question to a log or to the sequencer; then it is asked again")                        \
  KNOB(Duration, grv_proxy_retry_delay, Milliseconds(50), Milliseconds(random.Between(5, 200)),    \
       "s", "pause after a question that failed")                                                  \
  KNOB(Duration, grv_proxy_sequencer_silence_max, Seconds(3),                                      \
       Milliseconds(random.Between(1000, 6000)), "s",                                              \
       "questions to the sequencer fail for this long: then it is gone, and the proxy ends")

ORRERY_DEFINE_KNOBS(GrvProxyKnobs, ORRERY_GRV_PROXY_KNOBS);

}  // namespace orrery
