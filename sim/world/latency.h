// Latencies of networks and disks, from an integer inverse-distribution table: no floating point,
// no libm, so that every machine draws the same.
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace orrery::sim {

// A time drawn around `median` by `draw`, a uniform word: at least a half of it; beyond four of it
// with probability 1/64, by a power law up to `tail_max` more.
Duration DrawLatency(Duration median, Duration tail_max, uint64_t draw);

}  // namespace orrery::sim
