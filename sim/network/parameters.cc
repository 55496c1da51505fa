// The drawing of a world's network, and the latency table.
#include "sim/network/parameters.h"

#include <algorithm>

#include "core/base/random.h"

namespace orrery::sim {
namespace {

// Quantiles of the latency in 1/256 of the median, for the lower 63 of 64 equal shares of
// probability: a log-normal-like body between a half and four medians.
constexpr std::array<uint16_t, 64> kBody = {
    128, 147, 156, 163, 169, 174, 179, 183, 187, 190, 194, 197, 200, 203, 206, 209,
    212, 215, 217, 220, 223, 225, 228, 231, 233, 236, 239, 242, 245, 248, 251, 254,
    257, 260, 263, 267, 270, 274, 277, 281, 285, 290, 294, 299, 304, 309, 315, 321,
    327, 334, 341, 349, 358, 368, 380, 393, 408, 427, 450, 480, 522, 590, 730, 1024};

constexpr uint64_t kMedianUnit = 256;

}  // namespace

Duration DrawLatency(Duration median, Duration tail_max, uint64_t draw) {
  const size_t share = draw >> 58;
  const uint64_t fraction = (draw >> 42) & 0xffff;  // Within the share.
  const uint64_t unit = static_cast<uint64_t>(median.count());
  if (share < 63) {
    const uint64_t low = kBody[share];
    const uint64_t quantile = (low << 16) + (kBody[share + 1] - low) * fraction;
    return Duration(static_cast<int64_t>(unit * (quantile >> 8) / (kMedianUnit << 8)));
  }
  // The tail: the excess over four medians doubles with every further bit that is zero, so that
  // P(excess > x) falls as 1/x.
  const int doublings = __builtin_clzll((draw << 6) | 1);
  const uint64_t excess =
      std::min<uint64_t>(unit << std::min(doublings, 24), static_cast<uint64_t>(tail_max.count()));
  return Duration(static_cast<int64_t>(unit * 4 + (excess * (fraction | 0x8000) >> 16)));
}

NetworkParameters NetworkParameters::Draw(uint64_t seed) {
  Random random(HashWords(seed, HashName("network.parameters")));
  NetworkParameters p;
  // Each distance is between a third of and three times the default; nearer is never slower.
  for (size_t i = 0; i < kDistanceCount; ++i) {
    const Duration usual = p.latency[i];
    p.latency[i] = random.Between(usual / 3, usual * 3);
    if (i > 0) p.latency[i] = std::max(p.latency[i], p.latency[i - 1]);
    if (random.Chance(OneIn(4))) p.bytes_per_second[i] /= 8;
  }
  const bool tail = random.Chance({2, 3});
  const Duration tail_max = random.Between(Milliseconds(2), Milliseconds(400));
  p.tail_max = tail ? tail_max : Duration{};
  p.window_bytes = uint32_t{32 << 10} << random.Below(6);
  p.cut_reads_one_in = random.Chance(OneIn(3)) ? 1 + static_cast<uint32_t>(random.Below(20)) : 0;
  p.backlog_max = uint32_t{8} << random.Below(6);
  p.connect_give_up = random.Between(Seconds(5), Seconds(60));
  p.stuck_min = random.Between(Seconds(2), Seconds(20));
  p.stuck_max = p.stuck_min + random.Between(Seconds(1), Seconds(20));
  p.retransmit_max = random.Between(Milliseconds(10), Seconds(1));
  p.name_latency = random.Between(Microseconds(50), Milliseconds(5));
  const bool lag = random.Chance(OneIn(2));
  const Duration lag_max = random.Between(Milliseconds(100), Seconds(20));
  p.name_lag_max = lag ? lag_max : Duration{};
  return p;
}

std::vector<std::pair<std::string_view, int64_t>> NetworkParameters::List() const {
  static constexpr std::array<std::string_view, kDistanceCount> kLatencyNames = {
      "network.latency.same_machine", "network.latency.same_zone",
      "network.latency.same_data_center", "network.latency.same_region",
      "network.latency.other_region"};
  static constexpr std::array<std::string_view, kDistanceCount> kBandwidthNames = {
      "network.bytes_per_second.same_machine", "network.bytes_per_second.same_zone",
      "network.bytes_per_second.same_data_center", "network.bytes_per_second.same_region",
      "network.bytes_per_second.other_region"};
  std::vector<std::pair<std::string_view, int64_t>> list;
  for (size_t i = 0; i < kDistanceCount; ++i) {
    list.emplace_back(kLatencyNames[i], latency[i].count());
    list.emplace_back(kBandwidthNames[i], static_cast<int64_t>(bytes_per_second[i]));
  }
  list.emplace_back("network.tail_max", tail_max.count());
  list.emplace_back("network.window_bytes", window_bytes);
  list.emplace_back("network.cut_reads_one_in", cut_reads_one_in);
  list.emplace_back("network.backlog_max", backlog_max);
  list.emplace_back("network.connect_give_up", connect_give_up.count());
  list.emplace_back("network.stuck_min", stuck_min.count());
  list.emplace_back("network.stuck_max", stuck_max.count());
  list.emplace_back("network.retransmit_max", retransmit_max.count());
  list.emplace_back("network.name_latency", name_latency.count());
  list.emplace_back("network.name_lag_max", name_lag_max.count());
  return list;
}

}  // namespace orrery::sim
