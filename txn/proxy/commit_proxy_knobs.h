// Times and limits of the commit proxy.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_COMMIT_PROXY_KNOBS(KNOB)                                                            \
  KNOB(int64_t, commit_proxy_batch_transactions_max, 32768, random.Between(1, 1000),               \
       "transactions", "of one batch; their order must fit in 16 bits")                            \
  KNOB(int64_t, commit_proxy_batch_bytes_max, 2 << 20, random.Between(1 << 10, 4 << 20), "bytes",  \
       "mutations of one batch, one transaction at least; below 16 MiB")                           \
  KNOB(int64_t, commit_proxy_batches_max, 32, random.Between(1, 32), "batches",                    \
       "under way at a time; what arrives then is collected")                                      \
  KNOB(int64_t, commit_proxy_queue_bytes_max, 256 << 20, random.Between(32 << 20, 256 << 20),      \
       "bytes", "transactions that wait or are under way; more are refused as overloaded")         \
  KNOB(Duration, commit_proxy_idle_interval, Seconds(2), Milliseconds(random.Between(200, 2000)),  \
       "s", "without a batch for this long an empty one is made")                                  \
  KNOB(Duration, commit_proxy_call_timeout, Seconds(2), Milliseconds(random.Between(500, 5000)),   \
       "s", "one question to the sequencer; then it is asked again")                               \
  KNOB(Duration, commit_proxy_retry_delay, Milliseconds(50), Milliseconds(random.Between(5, 200)), \
       "s", "pause after a question that failed")                                                  \
  KNOB(Duration, commit_proxy_sequencer_silence_max, Seconds(3),                                   \
       Milliseconds(random.Between(1000, 6000)), "s",                                              \
       "questions to the sequencer fail for this long: then it is gone, and the proxy ends")       \
  KNOB(Duration, commit_proxy_stage_timeout, Seconds(15),                                          \
       Milliseconds(random.Between(6000, 20000)), "s",                                             \
       "a resolver or a log that does not answer within this ends the proxy; they answer "         \
       "before, when the chain has a hole")                                                        \
  KNOB(int64_t, commit_proxy_log_room_bytes_min, 128 << 20, random.Between(1 << 20, 64 << 20),     \
       "bytes", "with less room in a log than this, transactions that add data are refused")       \
  KNOB(int64_t, commit_proxy_log_reserve_bytes, 32 << 20, random.Between(1 << 16, 1 << 20),        \
       "bytes", "with less room than this, those of system priority and clears are refused, too")  \
  KNOB(int64_t, commit_proxy_snapshot_bytes, 8 << 20, random.Between(2 << 10, 200 << 10), "bytes", \
       "space of pushes in a log's queue after which a snapshot of the metadata is pushed")

ORRERY_DEFINE_KNOBS(CommitProxyKnobs, ORRERY_COMMIT_PROXY_KNOBS);

}  // namespace orrery
