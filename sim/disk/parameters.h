// What one simulated disk is like: times, bandwidth, and how it loses what was not synced. Drawn
// by the seed for each machine.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/time.h"
#include "sim/disk/crash_draw.h"

namespace orrery::sim {

struct DiskParameters {
  Duration read = Microseconds(80);  // Median of one operation.
  Duration write = Microseconds(30);
  Duration sync = Microseconds(300);
  Duration tail_max = Milliseconds(30);  // See DrawLatency.
  uint64_t bytes_per_second = 500'000'000;
  CrashWeights crash_weights = {1, 1, 2, 2, 2};  // By CrashMode.

  // The parameters of the disk `key` in the world of `seed`.
  static DiskParameters Draw(uint64_t seed, uint64_t key);

  // Every parameter by name, for the head of a run's report. Durations in nanoseconds.
  std::vector<std::pair<std::string_view, int64_t>> List() const;
};

}  // namespace orrery::sim
