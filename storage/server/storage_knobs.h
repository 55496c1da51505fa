// Tunables of the storage server.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_STORAGE_KNOBS(KNOB)                                                                 \
  KNOB(int64_t, storage_window_versions, 5'000'000, random.Between(1'000'000, 10'000'000),         \
       "versions", "how far back reads reach; one value for all servers of a generation")          \
  KNOB(int64_t, storage_window_bytes_max, 256 << 20, random.Between(200'000, 8 << 20), "bytes",    \
       "the window in memory; when it is full it is shortened, and old versions cannot be read")   \
  KNOB(Duration, storage_commit_interval, Milliseconds(500),                                       \
       random.Between(Milliseconds(1), Seconds(2)), "s", "pause between commits to the engine")    \
  KNOB(int64_t, storage_commit_bytes_max, 2 << 20, random.Between(1 << 10, 4 << 20), "bytes",      \
       "mutations of one commit to the engine; a single version may have more")                    \
  KNOB(int64_t, storage_empty_commit_versions, 60'000'000, random.Between(5'000'000, 120'000'000), \
       "versions",                                                                                 \
       "so far the durable version may lag before a commit is made although nothing changed")      \
  KNOB(Duration, storage_disk_full_retry_delay, Seconds(1),                                        \
       random.Between(Milliseconds(50), Seconds(2)), "s",                                          \
       "pause before a commit is tried again that found no space on the disk")                     \
  KNOB(int64_t, storage_pull_bytes, 1 << 20, random.Between(10'000, 1 << 20), "bytes",             \
       "messages asked for at a time")                                                             \
  KNOB(int64_t, storage_apply_bytes, 128 << 10, random.Between(1'000, 128 << 10), "bytes",         \
       "messages applied in one turn; then readers run")                                           \
  KNOB(Duration, storage_future_version_wait, Seconds(1),                                          \
       random.Between(Milliseconds(100), Seconds(2)), "s",                                         \
       "how long a read waits for its version before it gets future_version")                      \
  KNOB(int64_t, storage_waiting_reads_bytes_max, 32 << 20, random.Between(16 << 10, 4 << 20),      \
       "bytes", "requests that wait for their version; more are refused as overloaded")

ORRERY_DEFINE_KNOBS(StorageKnobs, ORRERY_STORAGE_KNOBS);

}  // namespace orrery
