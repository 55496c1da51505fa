// ConflictSet: which transactions of a batch may commit. The resolver's memory of what was written,
// and at which version; a pure structure, without clock, coroutine or Env.
//
// A transaction that read at version R conflicts if a range it read meets a range written
//   - by an accepted transaction of an earlier batch with a version above R, or
//   - by an accepted transaction before it in its own batch (the order of submission).
// The answer is exact: no conflict is missed and none is invented, whatever the keys.
//
// How it works. The keys of a batch are sorted once. The union of the accepted writes becomes a
// *run* (conflict_run.h): an immutable, sorted step function from keys to the version of their last
// write, in that run. Runs lie in order of version, no two of them overlap in versions, and
// neighbours of like size are merged, as in a log-structured merge tree (O'Neil et al., 1996; the
// sizes follow Bentley and Saxe, "Decomposable searching problems", 1980). A read visits only the
// runs whose newest version is above its read version, 16 reads abreast so that their cache misses
// overlap. Eviction drops whole runs. Conflicts inside a batch are found in a set of bits over the
// sorted points of the batch, as in FoundationDB's resolver (SkipList.cpp).
//
// Cost, with m points in the batch (two per range) and n boundaries held:
//   Resolve: O(m log m) to sort, O(m / 64) words per range that spans the whole batch, and for each
//     read O(log n) in each run it visits: O(log n) runs over the whole window, O(log(lag)) for a
//     read that lags little. Keys that agree in their first 16 bytes cost a comparison of the rest.
//   Merging: each boundary is copied O(log n) times in its life. It is spread over the batches: one
//     call copies at most 16 m + 64 boundaries for each merge in hand, and there are O(log n).
//   SetOldest: O(runs).
// Memory: 34 bytes and what a key has beyond its first 16 bytes, for each boundary; at most two
// boundaries per accepted write range. A run is dropped when all of it is old. No merge makes a run
// of more than a quarter of all boundaries (or 16,384), so at most about that much is kept longer
// than it is needed. Merges in hand hold their result besides: at most twice in all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/base/keys.h"
#include "core/base/version.h"

namespace orrery {

// One transaction to be judged. The ranges and their keys belong to the caller and are not kept.
// Keys of any bytes and any length. Empty and inverted ranges meet nothing.
struct ConflictTransaction {
  // Read at or above the batch's version: only writes of its own batch can conflict.
  Version read_version = kInvalidVersion;
  std::span<const KeyRangeRef> reads;
  std::span<const KeyRangeRef> writes;
  // Whether the reads that conflicted are wanted one by one. (Costs: no early exit.)
  bool report_reads = false;
};

enum class Verdict : uint8_t {
  committed,
  conflict,
  too_old,  // It has read ranges, if only empty ones, and its read version is below oldest().
};

// `reads[read]` of transaction `transaction` of the batch meets a later write.
struct ConflictingRead {
  uint32_t transaction;
  uint32_t read;
  friend auto operator<=>(const ConflictingRead&, const ConflictingRead&) = default;
};

struct BatchVerdicts {
  std::vector<Verdict> verdicts;                   // One for each transaction, in their order.
  std::vector<ConflictingRead> conflicting_reads;  // Of those that asked, in ascending order.
};

class ConflictSet {
 public:
  // Nothing is written. Reads below `oldest` are too old.
  explicit ConflictSet(Version oldest);
  ~ConflictSet();
  ConflictSet(ConflictSet&&) noexcept;
  ConflictSet& operator=(ConflictSet&&) noexcept;

  // Judges a batch and remembers the writes of what is committed, at `version`. The result is valid
  // until the next call. REQUIRES: `version` is above that of every batch before and above
  // oldest(); fewer than 2^30 ranges, and less than 4 GiB of keys.
  const BatchVerdicts& Resolve(Version version, std::span<const ConflictTransaction> batch);

  // From now on reads below `oldest` are too old, and what only they could meet may be forgotten.
  // A lower value than before changes nothing.
  void SetOldest(Version oldest);

  Version oldest() const;
  size_t boundaries() const;  // In all runs, without merges in hand.
  size_t bytes() const;       // Held, merges in hand included, scratch space of Resolve not.
  size_t runs() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace orrery
