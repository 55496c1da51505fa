// Sizes of a disk queue.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_DISK_QUEUE_KNOBS(KNOB)                                                           \
  KNOB(int64_t, disk_queue_initial_bytes, 16 << 20, random.Between(64 << 10, 1 << 20), "bytes", \
       "a new queue's file: written once, so that a sync commits no metadata")                  \
  KNOB(int64_t, disk_queue_growth_bytes, 16 << 20, random.Between(4 << 10, 1 << 20), "bytes",   \
       "the file grows by this when there is no room; commits wait while it is written")        \
  KNOB(int64_t, disk_queue_bytes_max, int64_t{4} << 30, standard, "bytes",                      \
       "the file does not grow beyond this; then there is no room until entries are popped")    \
  KNOB(int64_t, disk_queue_pending_bytes_max, 64 << 20, standard, "bytes",                      \
       "entries pushed and not yet given to the disk; more are refused as overloaded")

ORRERY_DEFINE_KNOBS(DiskQueueKnobs, ORRERY_DISK_QUEUE_KNOBS);

}  // namespace orrery
