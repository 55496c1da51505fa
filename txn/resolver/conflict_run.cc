// The step function, its search trees and its merge. See conflict_run.h.
#include "txn/resolver/conflict_run.h"

#include <algorithm>
#include <utility>

#include "core/base/invariant.h"

namespace orrery {

namespace {

// How many of the `count` <= 16 ascending `heads` are below `head`, without a branch on the data.
inline size_t CountBelow(const KeyHead* heads, size_t count, KeyHead head) {
  const KeyHead* base = heads;
  while (count > 1) {
    const size_t half = count / 2;
    base += base[half - 1] < head ? half : 0;
    count -= half;
  }
  return static_cast<size_t>(base - heads) + (count == 1 && *base < head ? 1 : 0);
}

// The same for exactly 16 of them.
inline size_t CountBelowFull(const KeyHead* heads, KeyHead head) {
  const KeyHead* base = heads;
  base += base[7] < head ? 8 : 0;
  base += base[3] < head ? 4 : 0;
  base += base[1] < head ? 2 : 0;
  base += base[0] < head ? 1 : 0;
  return static_cast<size_t>(base - heads) + (base[0] < head ? 1 : 0);
}

}  // namespace

void ConflictRun::Reserve(size_t boundaries, size_t tail_bytes) {
  heads_[0].reserve(boundaries);
  versions_.reserve(boundaries);
  spans_.reserve(boundaries);
  tails_.reserve(tail_bytes);
}

void ConflictRun::Append(const SplitKey& key, Version version) {
  if (version == (versions_.empty() ? kInvalidVersion : versions_.back())) return;
  const size_t position = versions_.size();
  heads_[0].push_back(key.head);
  size_t index = position;
  for (size_t level = 1; index % kFanout == 0; ++level) {
    index /= kFanout;
    if (heads_.size() == level) {
      if (position == 0) break;
      heads_.emplace_back().push_back(heads_[0][0]);  // The tree grows by a root.
    }
    heads_[level].push_back(key.head);
  }
  versions_.push_back(version);
  AppendMaximum(version);
  spans_.push_back({static_cast<uint32_t>(tails_.size()), key.size});
  tails_.append(key.tail_view());
  if (version > max_version_) max_version_ = version;
}

// Called after each push to versions_: keeps the maxima of the blocks that hold the last version.
void ConflictRun::AppendMaximum(Version version) {
  size_t block = (versions_.size() - 1) / kFanout;
  for (size_t level = 0;; ++level, block /= kFanout) {
    if (level == maxima_.size()) maxima_.emplace_back();
    std::vector<Version>& blocks = maxima_[level];
    if (block == blocks.size()) {
      // A new level begins with its first block, whose maximum is that of all before.
      blocks.push_back(block == 0 && level > 0 ? std::max(version, max_version_) : version);
    } else if (blocks[block] < version) {
      blocks[block] = version;
    } else {
      return;  // What lies above is at least as high.
    }
    if (blocks.size() == 1) return;
  }
}

void ConflictRun::LowerBounds(const KeyHead* heads, size_t count, size_t* positions) const {
  // A node of the tree has 16 heads, four cache lines.
  const auto fetch = [](const KeyHead* node) {
    __builtin_prefetch(node);
    __builtin_prefetch(node + 4);
    __builtin_prefetch(node + 8);
    __builtin_prefetch(node + 12);
  };
  std::fill(positions, positions + count, 0);
  for (size_t level = heads_.size(); level-- > 0;) {
    const std::vector<KeyHead>& nodes = heads_[level];
    const KeyHead* below = level > 0 ? heads_[level - 1].data() : nullptr;
    for (size_t i = 0; i < count; ++i) {
      // positions[i]: the node of this level; its last heads may be missing.
      const size_t first = positions[i] * kFanout;
      const KeyHead* node = nodes.data() + first;
      const size_t in_node = nodes.size() - first;
      const size_t smaller =
          in_node >= kFanout ? CountBelowFull(node, heads[i]) : CountBelow(node, in_node, heads[i]);
      if (below != nullptr) {
        // The answer lies in the child that begins below the head, or at its end.
        positions[i] = first + smaller - (smaller > 0 ? 1 : 0);
        fetch(below + positions[i] * kFanout);
      } else {
        positions[i] = first + smaller;
      }
    }
  }
}

size_t ConflictRun::SameHeadEnd(KeyHead head, size_t lower) const {
  size_t step = 1;
  size_t low = lower;
  while (low + step < size() && heads_[0][low + step] == head) {
    low += step;
    step *= 2;
  }
  const auto begin = heads_[0].begin();
  const auto end = begin + static_cast<ptrdiff_t>(std::min(low + step, size()));
  return static_cast<size_t>(std::upper_bound(begin + static_cast<ptrdiff_t>(low), end, head) -
                             begin);
}

size_t ConflictRun::UpperBound(const SplitKey& key, size_t lower) const {
  if (lower == size() || heads_[0][lower] != key.head) return lower;
  size_t low = lower;
  size_t high = SameHeadEnd(key.head, lower);
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (CompareSameHead(this->key(middle), key) <= 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

size_t ConflictRun::LowerBound(const SplitKey& key) const {
  size_t low = 0;
  LowerBounds(&key.head, 1, &low);
  if (low == size() || heads_[0][low] != key.head) return low;
  size_t high = SameHeadEnd(key.head, low);
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (CompareSameHead(this->key(middle), key) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool ConflictRun::WrittenSince(size_t lower, const SplitRange& range, Version read_version) const {
  constexpr size_t kNear = 8;  // So many boundaries inside the range are tried one by one.
  const size_t upper = UpperBound(range.begin, lower);
  if (upper > 0 && versions_[upper - 1] > read_version) return true;
  const size_t near_end = std::min(size(), upper + kNear);
  for (size_t i = upper; i < near_end; ++i) {
    if (Compare(key(i), range.end) >= 0) return false;
    if (versions_[i] > read_version) return true;
  }
  if (near_end == size()) return false;
  return AnyAbove(near_end, LowerBound(range.end), read_version);
}

// Whether a version of [begin, end) is above `version`: up the tree from both ends, which takes at
// most 32 looks per level.
bool ConflictRun::AnyAbove(size_t begin, size_t end, Version version) const {
  for (size_t level = 0; begin < end; ++level) {
    const std::vector<Version>& row = level == 0 ? versions_ : maxima_[level - 1];
    for (; begin < end && begin % kFanout != 0; ++begin) {
      if (row[begin] > version) return true;
    }
    for (; begin < end && end % kFanout != 0; --end) {
      if (row[end - 1] > version) return true;
    }
    begin /= kFanout;
    end /= kFanout;
  }
  return false;
}

size_t ConflictRun::bytes() const {
  size_t total = versions_.capacity() * sizeof(Version) + spans_.capacity() * sizeof(TailSpan) +
                 tails_.capacity();
  for (const auto& level : heads_) total += level.capacity() * sizeof(KeyHead);
  for (const auto& level : maxima_) total += level.capacity() * sizeof(Version);
  return total;
}

RunMerge::RunMerge(const ConflictRun& older, const ConflictRun& newer)
    : older_(older), newer_(newer) {
  INVARIANT(older.tail_bytes() + newer.tail_bytes() <= UINT32_MAX);
  result_.Reserve(older.size() + newer.size(), older.tail_bytes() + newer.tail_bytes());
}

bool RunMerge::Step(size_t boundaries, Version oldest) {
  const auto alive = [oldest](Version version) {
    return version > oldest ? version : kInvalidVersion;
  };
  // The versions of the two segments that hold the place where the merge stands.
  Version old_here = older_next_ == 0 ? kInvalidVersion : alive(older_.version(older_next_ - 1));
  Version new_here = newer_next_ == 0 ? kInvalidVersion : alive(newer_.version(newer_next_ - 1));
  for (; boundaries > 0; --boundaries) {
    const bool old_left = older_next_ < older_.size();
    const bool new_left = newer_next_ < newer_.size();
    if (!old_left && !new_left) return true;
    int order = old_left ? -1 : 1;
    if (old_left && new_left) {
      const KeyHead old_head = older_.head(older_next_);
      const KeyHead new_head = newer_.head(newer_next_);
      order = old_head < new_head ? -1 : 1;
      if (old_head == new_head) {
        order = CompareSameHead(older_.key(older_next_), newer_.key(newer_next_));
      }
    }
    const SplitKey key = order <= 0 ? older_.key(older_next_) : newer_.key(newer_next_);
    if (order <= 0) old_here = alive(older_.version(older_next_++));
    if (order >= 0) new_here = alive(newer_.version(newer_next_++));
    result_.Append(key, new_here != kInvalidVersion ? new_here : old_here);
  }
  return older_next_ == older_.size() && newer_next_ == newer_.size();
}

}  // namespace orrery
