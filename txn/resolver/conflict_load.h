// The load under which a conflict set is measured: transactions of 1 read and 1 write range, 20 M
// keys, a window of 1 M transactions. Batches are made beforehand; the window is full from the
// start.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "txn/resolver/conflict_set.h"

namespace orrery::conflict_load {

inline constexpr uint64_t kKeys = 20'000'000;
inline constexpr int64_t kWindowTransactions = 1'000'000;

enum Shape : int64_t {
  kSpread,  // 16 random bytes.
  kDots,    // 12 equal bytes, then the number: as FoundationDB's skip list test has it.
  kLong,    // 48 bytes, of which the first 24 are equal.
};

inline void AppendNumber(std::string& key, uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    key.push_back(static_cast<char>((number >> shift) & 0xff));
  }
}

inline std::string MakeKey(Shape shape, uint64_t number) {
  std::string key;
  if (shape == kSpread) {
    // Ascending in `number`, so that ranges have as many keys as they say.
    AppendNumber(key, (number << 39) + (MixWord(number) >> 26), 8);
    AppendNumber(key, MixWord(number + 1), 8);
  } else if (shape == kDots) {
    key.assign(12, '.');
    AppendNumber(key, number, 4);
  } else {
    key.assign(24, '/');
    AppendNumber(key, number, 8);
    key.append(16, 'x');
  }
  return key;
}

// One batch with the bytes its ranges refer to.
struct Batch {
  std::vector<std::string> keys;
  std::vector<KeyRangeRef> ranges;
  std::vector<ConflictTransaction> transactions;
};

inline Batch MakeBatch(Random& random, Shape shape, int64_t size, uint64_t read_keys) {
  Batch batch;
  const auto count = static_cast<size_t>(size);
  batch.keys.reserve(count * 4);
  batch.ranges.reserve(count * 2);
  for (size_t i = 0; i < count; ++i) {
    for (const uint64_t span : {read_keys, uint64_t{1}}) {
      const uint64_t number = random.Below(kKeys);
      const std::string& begin = batch.keys.emplace_back(MakeKey(shape, number));
      batch.keys.push_back(span == 1 ? KeyAfter(begin) : MakeKey(shape, number + span));
      batch.ranges.push_back({batch.keys[batch.keys.size() - 2], batch.keys.back()});
    }
  }
  for (size_t i = 0; i < count; ++i) {
    ConflictTransaction& transaction = batch.transactions.emplace_back();
    transaction.reads = {&batch.ranges[2 * i], 1};
    transaction.writes = {&batch.ranges[2 * i + 1], 1};
  }
  return batch;
}

class ConflictLoad {
 public:
  // `size` transactions per batch, whose reads lag `lag` batches (at most the window) and have
  // `read_keys` keys.
  ConflictLoad(Shape shape, int64_t size, int64_t lag, uint64_t read_keys)
      : window_(kWindowTransactions / size), lag_(std::min(lag, window_)) {
    Random random(1);
    // Enough different batches that a read rarely meets its own twin of a round before.
    for (int64_t i = 0; i < 2 * window_; ++i) {
      batches_.push_back(MakeBatch(random, shape, size, read_keys));
    }
    while (version_ < window_ + window_ / 4) ResolveBatch();
  }

  // One batch. Gives how many of its transactions conflicted.
  int64_t ResolveBatch() {
    Batch& batch = batches_[static_cast<size_t>(++version_) % batches_.size()];
    set_.SetOldest(version_ - window_);
    for (ConflictTransaction& transaction : batch.transactions) {
      transaction.read_version = std::max<Version>(0, version_ - lag_);
    }
    const auto& verdicts = set_.Resolve(version_, batch.transactions).verdicts;
    return std::count(verdicts.begin(), verdicts.end(), Verdict::conflict);
  }

  const ConflictSet& set() const { return set_; }

 private:
  const int64_t window_;  // Batches.
  const int64_t lag_;
  std::vector<Batch> batches_;
  ConflictSet set_{0};
  Version version_ = 0;
};

}  // namespace orrery::conflict_load
