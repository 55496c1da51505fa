// What one world's network is like: distances, bandwidth, bounds and waits. A world draws them by
// its seed, so that some worlds are fast and even, others slow, far apart or with a heavy tail.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/time.h"
#include "sim/world/latency.h"

namespace orrery::sim {

// How far apart two hosts are, by the smallest place they share.
enum class Distance : uint8_t {
  kSameMachine = 0,
  kSameZone = 1,
  kSameDataCenter = 2,
  kSameRegion = 3,
  kOtherRegion = 4,
};
inline constexpr size_t kDistanceCount = 5;

struct NetworkParameters {
  // By Distance: the median time one way, and what one link carries, shared by its streams.
  std::array<Duration, kDistanceCount> latency = {
      Microseconds(10), Microseconds(60), Microseconds(150), Microseconds(700), Milliseconds(30)};
  std::array<uint64_t, kDistanceCount> bytes_per_second = {4'000'000'000, 1'200'000'000,
                                                           1'200'000'000, 600'000'000, 100'000'000};

  // One piece in 64 takes longer than four medians, by a power law, up to this much longer. Zero:
  // no tail.
  Duration tail_max = Milliseconds(20);

  // Bytes of one direction that may be under way or unread before the sender is held back.
  uint32_t window_bytes = 512 << 10;

  // Reads are cut at a drawn byte one time in so many; 0: never.
  uint32_t cut_reads_one_in = 0;

  // Connections that were established and not yet accepted, per listener; further attempts wait.
  uint32_t backlog_max = 128;

  // How long an attempt at a host that does not answer lasts, unless its caller gives up.
  Duration connect_give_up = Seconds(60);

  // A stream whose bytes are cut off by a partition or a dead host breaks on the sender after a
  // time drawn from this span.
  Duration stuck_min = Seconds(10);
  Duration stuck_max = Seconds(30);

  // After a blockade ends, stopped bytes move again after at most this long (retransmission).
  Duration retransmit_max = Milliseconds(400);

  // How long a name look-up takes at the median, and how long it may answer what was true before.
  Duration name_latency = Milliseconds(1);
  Duration name_lag_max{};

  // The parameters of the world of `seed`.
  static NetworkParameters Draw(uint64_t seed);

  // Every parameter by name, for the head of a run's report. Durations in nanoseconds.
  std::vector<std::pair<std::string_view, int64_t>> List() const;
};

}  // namespace orrery::sim
