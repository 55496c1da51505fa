// The drawing of a world's network.
#include "sim/network/parameters.h"

#include <algorithm>

#include "core/base/random.h"

namespace orrery::sim {
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
