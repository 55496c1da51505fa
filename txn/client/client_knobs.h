// Every limit and time of the client.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_CLIENT_KNOBS(KNOB)                                                                \
  KNOB(Duration, client_info_wait, Seconds(30), Seconds(random.Between(5, 60)), "s",             \
       "a long poll for which proxies there are is answered after this at the latest")           \
  KNOB(Duration, client_call_timeout, Seconds(5), Milliseconds(random.Between(1500, 8000)), "s", \
       "a read or a request for a version is given up and made elsewhere after this; more than " \
       "storage_future_version_wait")                                                            \
  KNOB(Duration, client_commit_timeout, Seconds(15), Milliseconds(random.Between(2000, 20000)),  \
       "s", "a commit that is not answered for this long has an unknown result")                 \
  KNOB(Duration, client_backoff_min, Milliseconds(10), Milliseconds(random.Between(1, 50)), "s", \
       "upper end of the first wait before something is tried again; it doubles each time")      \
  KNOB(Duration, client_backoff_max, Seconds(1), Milliseconds(random.Between(100, 2000)), "s",   \
       "upper end of every wait inside of a call")                                               \
  KNOB(Duration, client_avoid_server, Seconds(1), Milliseconds(random.Between(10, 3000)), "s",   \
       "for how long a server that failed is asked only when the others fail too")               \
  KNOB(int64_t, client_reads_per_call_max, 128, random.Between(1, 128), "keys",                  \
       "keys read by one call; values of the largest size must fit into a frame")                \
  KNOB(int64_t, client_locations_max, 100'000, random.Between(1, 100'000), "shards",             \
       "shards whose servers are remembered")                                                    \
  KNOB(int64_t, client_locate_shards_max, 20, random.Between(1, 100), "shards",                  \
       "shards asked for at a time: those that follow are likely to be next")                    \
  KNOB(Duration, client_commit_id_age, Seconds(60), Seconds(random.Between(30, 120)), "s",       \
       "how long it can be told whether a transaction was committed; more than a commit may be " \
       "under way")                                                                              \
  KNOB(Duration, client_commit_id_expiry_interval, Seconds(20), Seconds(random.Between(5, 40)),  \
       "s", "between two removals of old commit ids")

ORRERY_DEFINE_KNOBS(ClientKnobs, ORRERY_CLIENT_KNOBS);

}  // namespace orrery
