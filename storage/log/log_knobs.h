// Sizes and times of log servers and of those who read from them.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_LOG_KNOBS(KNOB)                                                                     \
  KNOB(int64_t, log_memory_bytes_max, 128 << 20, random.Between(1 << 12, 1 << 20), "bytes",        \
       "messages that one log keeps in memory; older ones are read back from its queue")           \
  KNOB(int64_t, log_reserve_bytes, 64 << 20, random.Between(1 << 16, 1 << 20), "bytes",            \
       "room that a log does not report to proxies: for what is under way and for recovery")       \
  KNOB(int64_t, log_grow_ahead_bytes, 4 << 20, random.Between(1 << 14, 1 << 15), "bytes",          \
       "with less room than this in its file a log makes it longer, before a push needs it")       \
  KNOB(Duration, log_grow_retry_delay, Seconds(1), Milliseconds(random.Between(100, 2000)), "s",   \
       "a log whose disk was full tries again after this")                                         \
  KNOB(int64_t, log_trim_bytes_min, 1 << 20, random.Between(1 << 12, 1 << 16), "bytes",            \
       "space in the queue is given back when this much has been popped")                          \
  KNOB(Duration, log_chain_wait_max, Seconds(5), Milliseconds(random.Between(1000, 5000)), "s",    \
       "a push waits this long for the version before it; then its generation has ended")          \
  KNOB(Duration, log_peek_wait_max, Seconds(10), Milliseconds(random.Between(500, 10000)), "s",    \
       "a peek that finds nothing new waits this long before it answers empty-handed")             \
  KNOB(int64_t, log_peek_bytes_max, 1 << 20, random.Between(100, 1 << 18), "bytes",                \
       "messages in one answer to a peek, one version at least")                                   \
  KNOB(                                                                                            \
      Duration, log_peek_timeout, Seconds(15), Milliseconds(random.Between(2000, 15000)), "s",     \
      "a reader waits this long for a log's answer, then asks another one; servers answer within " \
      "three quarters of it")                                                                      \
  KNOB(Duration, log_pop_timeout, Seconds(5), Milliseconds(random.Between(500, 5000)), "s",        \
       "a pop that is not answered within this is lost; a later one makes up for it")              \
  KNOB(Duration, log_retry_delay_min, Milliseconds(10), Milliseconds(random.Between(1, 50)), "s",  \
       "the longest first wait of a reader after a log failed")                                    \
  KNOB(Duration, log_retry_delay_max, Seconds(1), Milliseconds(random.Between(100, 1000)), "s",    \
       "the longest wait between tries: it doubles up to this")

ORRERY_DEFINE_KNOBS(LogKnobs, ORRERY_LOG_KNOBS);

}  // namespace orrery
