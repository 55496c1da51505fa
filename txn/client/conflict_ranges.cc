// Ranges are gathered as they come and merged when they are asked for, or grow too many.
#include "txn/client/conflict_ranges.h"

#include <algorithm>
#include <utility>

namespace orrery {
namespace {

// So many ranges beyond twice what was left by the last merge are gathered before the next one:
// reading the same keys again and again takes no more memory than reading them once.
constexpr size_t kUnmergedMax = 1024;

}  // namespace

void ConflictRanges::Add(KeyRangeRef range) {
  if (range.empty()) return;
  if (ranges_.size() > 2 * merged_ + kUnmergedMax) Merge();
  ranges_.push_back({Key(range.begin), Key(range.end)});
}

void ConflictRanges::AddKey(KeyRef key) {
  if (ranges_.size() > 2 * merged_ + kUnmergedMax) Merge();
  ranges_.push_back({Key(key), KeyAfter(key)});
}

const std::vector<KeyRange>& ConflictRanges::Merged() {
  Merge();
  return ranges_;
}

void ConflictRanges::Merge() {
  if (merged_ == ranges_.size()) return;
  std::sort(ranges_.begin(), ranges_.end(),
            [](const KeyRange& a, const KeyRange& b) { return a.begin < b.begin; });
  size_t kept = 0;
  for (size_t i = 1; i < ranges_.size(); ++i) {
    if (ranges_[i].begin <= ranges_[kept].end) {
      if (ranges_[i].end > ranges_[kept].end) ranges_[kept].end = std::move(ranges_[i].end);
    } else if (++kept != i) {
      ranges_[kept] = std::move(ranges_[i]);
    }
  }
  ranges_.resize(kept + 1);
  merged_ = ranges_.size();
}

}  // namespace orrery
