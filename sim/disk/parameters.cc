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
  const uint64_t style = random.Below(4);
  p.crash_style = style == 0   ? CrashStyle::kLoseAll
                  : style == 1 ? CrashStyle::kKeepAll
                               : CrashStyle::kRandom;
  return p;
}

std::vector<std::pair<std::string_view, int64_t>> DiskParameters::List() const {
  return {{"read", read.count()},
          {"write", write.count()},
          {"sync", sync.count()},
          {"tail_max", tail_max.count()},
          {"bytes_per_second", static_cast<int64_t>(bytes_per_second)},
          {"crash_style", static_cast<int64_t>(crash_style)}};
}

}  // namespace orrery::sim
