// ConflictRun: an immutable step function from keys to versions; RunMerge: two of them made one, a
// slice at a time. Private to ConflictSet.
//
// A run is a list of boundaries in ascending order of keys. Boundary i says: the keys from its own
// up to that of boundary i + 1 were last written at version(i), or not at all (kInvalidVersion).
// Before the first boundary and from the last one on nothing is written.
//
// A key is held as its head, the first 16 bytes as a big-endian number padded with zero bytes, its
// length, and its tail, the bytes beyond 16. Keys compare by head; then, if one of them has no
// tail, by length (they differ in trailing zero bytes only); then by tail.
//
// Searches go by head through an implicit search tree: level 0 has all heads, level l + 1 every
// 16th head of level l. Versions have a tree of the same shape with the maximum of each 16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/key_head.h"
#include "core/base/keys.h"
#include "core/base/version.h"

namespace orrery {

// A key whose tail somebody else owns.
struct SplitKey {
  KeyHead head = 0;
  uint32_t size = 0;
  const char* tail = nullptr;

  std::string_view tail_view() const {
    return size > kKeyHeadBytes ? std::string_view(tail, size - kKeyHeadBytes) : std::string_view();
  }
};

inline SplitKey Split(KeyRef key) {
  return {HeadOf(key), static_cast<uint32_t>(key.size()),
          key.size() > kKeyHeadBytes ? key.data() + kKeyHeadBytes : nullptr};
}

// Below, at or above zero as `a` is before, equal to or after `b`. REQUIRES: a.head == b.head.
inline int CompareSameHead(const SplitKey& a, const SplitKey& b) {
  if (a.size <= kKeyHeadBytes || b.size <= kKeyHeadBytes) {
    return static_cast<int>(a.size > b.size) - static_cast<int>(a.size < b.size);
  }
  return a.tail_view().compare(b.tail_view());
}
inline int Compare(const SplitKey& a, const SplitKey& b) {
  if (a.head != b.head) return a.head < b.head ? -1 : 1;
  return CompareSameHead(a, b);
}

struct SplitRange {
  SplitKey begin;
  SplitKey end;
};

class ConflictRun {
 public:
  static constexpr size_t kFanout = 16;
  static constexpr size_t kAbreast = 16;  // Searches that overlap their cache misses.

  // Appending: keys in ascending order. A boundary that repeats the version before it is left out.
  void Reserve(size_t boundaries, size_t tail_bytes);
  void Append(const SplitKey& key, Version version);

  // Whether a key of `range` was written above `read_version`. `lower` is what LowerBounds gave for
  // range.begin. REQUIRES: the range is not empty.
  bool WrittenSince(size_t lower, const SplitRange& range, Version read_version) const;

  // For each of `count` <= kAbreast heads the first boundary whose head is not below it.
  void LowerBounds(const KeyHead* heads, size_t count, size_t* positions) const;

  size_t size() const { return versions_.size(); }
  size_t tail_bytes() const { return tails_.size(); }
  size_t bytes() const;
  Version max_version() const { return max_version_; }
  Version version(size_t i) const { return versions_[i]; }
  KeyHead head(size_t i) const { return heads_[0][i]; }
  SplitKey key(size_t i) const {
    return {heads_[0][i], spans_[i].size, tails_.data() + spans_[i].tail};
  }

 private:
  struct TailSpan {
    uint32_t tail;  // Where it begins in tails_.
    uint32_t size;  // Of the whole key.
  };

  // The first boundary after `key`, given the first whose head is not below the key's.
  size_t UpperBound(const SplitKey& key, size_t lower) const;
  size_t LowerBound(const SplitKey& key) const;
  size_t SameHeadEnd(KeyHead head, size_t lower) const;
  bool AnyAbove(size_t begin, size_t end, Version version) const;
  void AppendMaximum(Version version);

  std::vector<std::vector<KeyHead>> heads_{1};  // By level, from the leaves.
  std::vector<Version> versions_;
  std::vector<std::vector<Version>> maxima_;  // maxima_[l][i]: of the i-th 16^(l+1) versions.
  std::vector<TailSpan> spans_;
  std::string tails_;
  Version max_version_ = kInvalidVersion;
};

// Merges two runs. REQUIRES: both outlive it, and every version of `newer` is above all of `older`.
class RunMerge {
 public:
  RunMerge(const ConflictRun& older, const ConflictRun& newer);

  // Takes in up to `boundaries` more; versions up to `oldest` become "not written". Whether all are
  // in.
  bool Step(size_t boundaries, Version oldest);

  const ConflictRun& result() const { return result_; }
  ConflictRun TakeResult() { return std::move(result_); }

 private:
  const ConflictRun& older_;
  const ConflictRun& newer_;
  size_t older_next_ = 0;
  size_t newer_next_ = 0;
  ConflictRun result_;
};

}  // namespace orrery
