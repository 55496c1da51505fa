// The drawing of a disk.
#include "sim/disk/parameters.h"

#include "core/base/random.h"

namespace orrery::sim {

DiskParameters DiskParameters::Draw(uint64_t seed, uint64_t key) {
  Random random(HashWords(seed, key, HashName("disk.parameters")));
  DiskParameters p;
  const bool slow = random.Chance(OneIn(4));  // A spinning disk, or a tired one.
  const int64_t factor = slow ? 20 : 1;
  p.read = random.Between(p.read / 3, p.read * 3) * factor;
  p.write = random.Between(p.write / 3, p.write * 3) * factor;
  p.sync = random.Between(p.sync / 3, p.sync * 3) * factor;
  if (slow) p.bytes_per_second = 100'000'000;
  const bool tail = random.Chance({2, 3});
  const Duration tail_max = random.Between(Milliseconds(1), Milliseconds(300));
  p.tail_max = tail ? tail_max : Duration{};
  CrashWeights weights{};
  uint32_t sum = 0;
  for (uint32_t& weight : weights) {
    weight = random.Chance({2, 3}) ? static_cast<uint32_t>(1 + random.Below(4)) : 0;
    sum += weight;
  }
  if (sum > 0) p.crash_weights = weights;
  return p;
}

std::vector<std::pair<std::string_view, int64_t>> DiskParameters::List() const {
  return {{"read", read.count()},
          {"write", write.count()},
          {"sync", sync.count()},
          {"tail_max", tail_max.count()},
          {"bytes_per_second", static_cast<int64_t>(bytes_per_second)},
          {"crash_lose_all", crash_weights[0]},
          {"crash_keep_all", crash_weights[1]},
          {"crash_sectors", crash_weights[2]},
          {"crash_changes", crash_weights[3]},
          {"crash_prefix", crash_weights[4]}};
}

}  // namespace orrery::sim
