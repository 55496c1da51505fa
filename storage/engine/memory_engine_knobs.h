// Tunables of the memory engine.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery {

#define ORRERY_MEMORY_ENGINE_KNOBS(KNOB)                                                          \
  KNOB(int64_t, memory_engine_log_bytes_min, 32 << 20, random.Between(1 << 14, 1 << 20), "bytes", \
       "no snapshot is begun while the log is shorter; beyond, when it is longer than the data")  \
  KNOB(int64_t, memory_engine_snapshot_piece_bytes, 256 << 10, random.Between(1 << 10, 1 << 16),  \
       "bytes", "rows written to a snapshot at a time: reads and commits run between the pieces")

ORRERY_DEFINE_KNOBS(MemoryEngineKnobs, ORRERY_MEMORY_ENGINE_KNOBS);

}  // namespace orrery
