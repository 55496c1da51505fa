// Bounds of the simulator itself. They are of real resources, so no seed draws them.
#pragma once

#include "core/knobs/knobs.h"

namespace orrery::sim {

#define ORRERY_RUN_KNOBS(KNOB)                                                                 \
  KNOB(Duration, run_hang_cpu_max, Seconds(20), standard, "s",                                 \
       "processor time without progress of simulated time after which a run is ended as hung") \
  KNOB(int64_t, run_memory_bytes_max, int64_t{2} << 30, standard, "bytes",                     \
       "data that the process of one run may allocate: a seed that eats memory fails alone")   \
  KNOB(int64_t, run_process_memory_bytes_max, int64_t{1} << 30, standard, "bytes",             \
       "the memory budget of every simulated process")

ORRERY_DEFINE_KNOBS(RunKnobs, ORRERY_RUN_KNOBS);

}  // namespace orrery::sim
