// Every time and limit of the replicated log, and its planted bugs.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery::sim::replicated_log {

#define REPLICATED_LOG_KNOBS(KNOB)                                                                \
  KNOB(Duration, replicated_log_election_timeout, Milliseconds(1500),                             \
       random.Between(Milliseconds(800), Milliseconds(3000)), "s",                                \
       "silence of the leader before an election: from this to twice this, drawn each time")      \
  KNOB(Duration, replicated_log_heartbeat_interval, Milliseconds(400),                            \
       random.Between(Milliseconds(50), Milliseconds(400)), "s",                                  \
       "silence of a leader at most; well below half of every election timeout")                  \
  KNOB(Duration, replicated_log_append_timeout, Seconds(2),                                       \
       random.Between(Milliseconds(500), Seconds(5)), "s",                                        \
       "one request between replicas; then it is sent again")                                     \
  KNOB(Duration, replicated_log_retry_delay, Milliseconds(100),                                   \
       random.Between(Milliseconds(10), Milliseconds(300)), "s",                                  \
       "pause after a request between replicas failed")                                           \
  KNOB(int64_t, replicated_log_append_bytes_max, 1 << 20, random.Between(100, 1 << 20), "bytes",  \
       "entries of one request between replicas; always at least one entry")                      \
  KNOB(int64_t, replicated_log_put_bytes_max, 1 << 20, standard, "bytes",                         \
       "one put of a client, all its entries together")                                           \
  KNOB(int64_t, replicated_log_uncommitted_entries_max, 10000, random.Between(50, 10000),         \
       "entries", "puts that wait to be committed; more are refused as overloaded")               \
  KNOB(int64_t, replicated_log_bytes_max, int64_t{1} << 30, standard, "bytes",                    \
       "the log in memory, which is never cut short; then puts are refused; the values are "      \
       "held once more")                                                                          \
  KNOB(Duration, replicated_log_attempt_timeout, Seconds(2),                                      \
       random.Between(Milliseconds(500), Seconds(3)), "s",                                        \
       "one attempt of a client's call at one replica")                                           \
  KNOB(int64_t, replicated_log_planted_bug, 0, standard, "",                                      \
       "for demonstrations: 1 acknowledges before its sync, 2 votes for candidates whose log is " \
       "behind, "                                                                                 \
       "3 reads without confirming that it leads")

ORRERY_DEFINE_KNOBS(ReplicaKnobs, REPLICATED_LOG_KNOBS);

}  // namespace orrery::sim::replicated_log
