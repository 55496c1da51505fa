// The draws of a loss of power.
#include "sim/disk/crash_draw.h"

#include "core/base/hash.h"
#include "core/base/invariant.h"

namespace orrery::sim {

DrawnCrash::DrawnCrash(const CrashWeights& weights, uint64_t key) : key_(key) {
  uint64_t sum = 0;
  for (const uint32_t weight : weights) sum += weight;
  INVARIANT(sum > 0);
  uint64_t draw = HashWords(key_, HashName("mode")) % sum;
  size_t index = 0;
  while (draw >= weights[index]) draw -= weights[index++];
  mode_ = static_cast<CrashMode>(index);
  sixteenths_ = 1 + HashWords(key_, HashName("ratio")) % 15;
}

void DrawnCrash::Begin(uint64_t changes) {
  changes_ = changes;
  cut_ = HashWords(key_, HashName("cut")) % changes;
}

bool DrawnCrash::Chance(uint64_t draw) const { return draw % 16 < sixteenths_; }

bool DrawnCrash::ChangeSurvives(uint64_t change) {
  switch (mode_) {
    case CrashMode::kLoseAll:
      return false;
    case CrashMode::kKeepAll:
      return true;
    case CrashMode::kSectors:
    case CrashMode::kChanges:
      return Chance(HashWords(key_, HashName("change"), change));
    case CrashMode::kPrefix:
      return change < cut_;
  }
  return false;
}

bool DrawnCrash::SectorSurvives(uint64_t change, uint64_t sector, uint64_t sectors) {
  if (mode_ == CrashMode::kSectors) return Chance(HashWords(key_, change, sector));
  if (mode_ == CrashMode::kPrefix && change == cut_) {
    return sector < HashWords(key_, HashName("torn")) % (sectors + 1);
  }
  return ChangeSurvives(change);
}

uint64_t DrawnCrash::SizesSurviving() {
  switch (mode_) {
    case CrashMode::kLoseAll:
      return 0;
    case CrashMode::kKeepAll:
      return changes_;
    case CrashMode::kSectors:
      return HashWords(key_, HashName("size")) % (changes_ + 1);
    case CrashMode::kChanges: {
      uint64_t count = changes_;
      while (count > 0 && !ChangeSurvives(count - 1)) --count;
      return count;
    }
    case CrashMode::kPrefix:
      return cut_ + (HashWords(key_, HashName("size")) % 3 == 0 ? 1 : 0);
  }
  return 0;
}

bool DrawnCrash::SizeFollowsBytes() {
  return mode_ == CrashMode::kPrefix && HashWords(key_, HashName("size")) % 3 == 1;
}

}  // namespace orrery::sim
