// Goal: the verdicts are exactly those of the definition: nothing missed, nothing invented; memory
// stays within what is promised.
// Method: batches drawn over small and nasty sets of keys, side by side with a model that holds the
// last version of every elementary interval in a plain array. `--seed=N` repeats a run.
#include "txn/resolver/conflict_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/base/random.h"
#include "core/base/testing/seed_argument.h"

namespace orrery {
namespace {

using Places = std::pair<size_t, size_t>;  // A range by the places of its ends in the universe.

struct ModelTransaction {
  Version read_version;
  std::vector<Places> reads, writes;
  bool report;
};

// The definition, over a sorted universe of keys. Interval i is [universe[i], universe[i + 1]).
class Model {
 public:
  Model(size_t universe, Version oldest) : last_(universe, kInvalidVersion), oldest_(oldest) {}

  BatchVerdicts Resolve(Version version, const std::vector<ModelTransaction>& batch) {
    BatchVerdicts result;
    for (uint32_t t = 0; t < batch.size(); ++t) {
      const ModelTransaction& transaction = batch[t];
      Verdict verdict = Verdict::committed;
      if (!transaction.reads.empty() && transaction.read_version < oldest_) {
        result.verdicts.push_back(Verdict::too_old);
        continue;
      }
      for (uint32_t r = 0; r < transaction.reads.size(); ++r) {
        const auto [begin, end] = transaction.reads[r];
        bool met = false;
        for (size_t i = begin; i < end; ++i) {
          met |= last_[i] > transaction.read_version || last_[i] == version;
        }
        if (!met) continue;
        verdict = Verdict::conflict;
        if (transaction.report) result.conflicting_reads.push_back({t, r});
      }
      result.verdicts.push_back(verdict);
      if (verdict != Verdict::committed) continue;
      for (const auto& [begin, end] : transaction.writes) {
        for (size_t i = begin; i < end; ++i) last_[i] = version;
      }
    }
    return result;
  }
  void SetOldest(Version oldest) { oldest_ = std::max(oldest, oldest_); }

 private:
  std::vector<Version> last_;
  Version oldest_;
};

// Keys that differ late, hardly or only in length, sorted.
std::vector<Key> DrawUniverse(Random& random) {
  std::set<Key> keys;
  const size_t size = random.Chance({1, 3}) ? 2 + random.Below(4000) : 2 + random.Below(40);
  const char few[] = {'\0', '\1', 'a', '\x7f', '\x80', '\xff'};
  Key stem;
  for (int tries = 0; keys.size() < size && tries < 20'000; ++tries) {
    if (random.Chance(OneIn(20))) stem.clear();
    if (random.Chance(OneIn(20))) stem.assign(random.Below(40), few[random.Below(6)]);
    if (random.Chance(OneIn(200))) stem.assign(random.Below(3000), 'p');
    Key key = stem;
    for (size_t n = random.Below(random.Chance(OneIn(3)) ? 20 : 3); n > 0; --n) {
      key.push_back(few[random.Below(6)]);
    }
    if (random.Chance(OneIn(8))) stem = key;
    if (random.Chance(OneIn(4))) keys.insert(KeyAfter(key));
    keys.insert(std::move(key));
  }
  return {keys.begin(), keys.end()};
}

class ConflictSetModel : public testing::Test {
 public:
  explicit ConflictSetModel(uint64_t seed) : random_(seed) {}

  void TestBody() override {
    size_t judged = 0;
    for (int world = 0; judged < 1'500'000 && !HasFailure(); ++world) judged += World(world);
    std::printf("%zu transactions: %zu committed, %zu conflicts, %zu too old, %zu runs at most\n",
                judged, counts_[0], counts_[1], counts_[2], runs_max_);
    for (const size_t count : counts_) EXPECT_GT(count, judged / 50);
    EXPECT_GT(runs_max_, 5u);
  }

 private:
  Places DrawRange(size_t universe, size_t span) {
    const size_t begin = random_.Below(universe);
    if (random_.Chance(OneIn(30))) return {begin, random_.Below(begin + 1)};  // Empty, inverted.
    return {begin, std::min(universe - 1, begin + 1 + random_.Below(span))};
  }

  std::vector<ModelTransaction> DrawBatch(size_t universe, Version version, Version lag_max) {
    const size_t size_max = bursts_ && !random_.Chance(OneIn(16)) ? 2 : batch_max_;
    std::vector<ModelTransaction> batch(random_.Below(size_max + 1));
    for (ModelTransaction& transaction : batch) {
      const auto lag = static_cast<Version>(1 + random_.Below(static_cast<uint64_t>(lag_max)));
      transaction.read_version = random_.Chance(OneIn(50)) ? version + 1 : version - lag;
      transaction.report = random_.Chance({1, 2});
      for (size_t n = random_.Below(ranges_max_); n > 0; --n) {
        transaction.reads.push_back(DrawRange(universe, read_span_max_));
      }
      for (size_t n = random_.Below(ranges_max_); n > 0; --n) {
        transaction.writes.push_back(DrawRange(universe, write_span_max_));
      }
    }
    return batch;
  }

  // One ConflictSet's life. How many transactions it judged.
  size_t World(int world) {
    const std::vector<Key> universe = DrawUniverse(random_);
    const bool fine = universe.size() > 100;
    batch_max_ = 1 + random_.Below(random_.Chance({1, 2}) ? 8 : 300);
    ranges_max_ = 2 + random_.Below(3);
    bursts_ = random_.Chance({1, 2});
    const size_t spans[] = {2, 12, 1 + universe.size() / 10, universe.size()};
    write_span_max_ = spans[random_.Below(4)];
    read_span_max_ = spans[random_.Below(4)];
    const Version step = random_.Chance({1, 2}) ? 1 : 1'000'000'000'000;
    const auto window = static_cast<Version>(1 + random_.Below(fine ? 600 : 20)) * step;
    const Version lag_max = random_.Chance({1, 2}) ? window + window / 8 + 1 : 1 + 2 * step;
    Version version = static_cast<Version>(random_.Below(1000));
    ConflictSet set(version);
    Model model(universe.size(), version);
    std::vector<KeyRangeRef> ranges;
    std::vector<ConflictTransaction> transactions;
    size_t judged = 0;
    for (size_t batches = 1 + random_.Below(fine ? 1000 : 60); batches > 0; --batches) {
      version += static_cast<Version>(1 + random_.Below(static_cast<uint64_t>(step)));
      if (random_.Chance({1, 2})) {
        const Version oldest = version - 1 - window + static_cast<Version>(random_.Below(3)) * step;
        set.SetOldest(std::min(version - 1, oldest));
        model.SetOldest(std::min(version - 1, oldest));
      }
      const auto batch = DrawBatch(universe.size(), version, lag_max);
      Convert(universe, batch, ranges, transactions);
      const BatchVerdicts& got = set.Resolve(version, transactions);
      const BatchVerdicts want = model.Resolve(version, batch);
      EXPECT_EQ(got.verdicts, want.verdicts) << "world " << world << " version " << version;
      EXPECT_EQ(got.conflicting_reads, want.conflicting_reads) << "world " << world;
      if (HasFailure()) return judged;
      for (const Verdict verdict : got.verdicts) ++counts_[static_cast<size_t>(verdict)];
      runs_max_ = std::max(runs_max_, set.runs());
      judged += batch.size();
    }
    return judged;
  }

  static void Convert(const std::vector<Key>& universe, const std::vector<ModelTransaction>& batch,
                      std::vector<KeyRangeRef>& ranges,
                      std::vector<ConflictTransaction>& transactions) {
    ranges.clear();
    transactions.clear();
    size_t total = 0;
    for (const auto& from : batch) total += from.reads.size() + from.writes.size();
    ranges.reserve(total);  // Spans into it must hold.
    const auto append = [&](const std::vector<Places>& all) {
      const KeyRangeRef* first = ranges.data() + ranges.size();
      for (const auto& [begin, end] : all) ranges.push_back({universe[begin], universe[end]});
      return std::span(first, all.size());
    };
    for (const ModelTransaction& from : batch) {
      ConflictTransaction to{from.read_version, {}, {}, from.report};
      to.reads = append(from.reads);
      to.writes = append(from.writes);
      transactions.push_back(to);
    }
  }

  Random random_;
  // Of the world at hand.
  bool bursts_ = false;
  size_t batch_max_ = 0, ranges_max_ = 0, read_span_max_ = 0, write_span_max_ = 0;

  size_t counts_[3] = {0, 0, 0};
  size_t runs_max_ = 0;
};

struct One {
  explicit One(Version read_version, std::vector<KeyRangeRef> r, std::vector<KeyRangeRef> w = {})
      : reads(std::move(r)), writes(std::move(w)), transaction{read_version, reads, writes, true} {}
  One(const One&) = delete;
  std::vector<KeyRangeRef> reads, writes;
  ConflictTransaction transaction;
};

Verdict Judge(ConflictSet& set, Version version, const One& one) {
  return set.Resolve(version, {&one.transaction, 1}).verdicts[0];
}

TEST(ConflictSetTest, RangesAreHalfOpen) {
  ConflictSet set(0);
  EXPECT_EQ(Judge(set, 10, One(0, {}, {{"b", "d"}})), Verdict::committed);
  EXPECT_EQ(Judge(set, 11, One(9, {{"a", "b"}})), Verdict::committed);
  EXPECT_EQ(Judge(set, 12, One(9, {{"d", "e"}})), Verdict::committed);
  EXPECT_EQ(Judge(set, 13, One(9, {{"a", KeyRef("b\0", 2)}})), Verdict::conflict);
  EXPECT_EQ(Judge(set, 14, One(9, {{"c", "c"}})), Verdict::committed);
  EXPECT_EQ(Judge(set, 15, One(9, {{"d", "c"}})), Verdict::committed);
  EXPECT_EQ(Judge(set, 16, One(10, {{"", "\xff"}})), Verdict::committed);
}

TEST(ConflictSetTest, OldReadsAreTooOldAndBlindWritesAreNot) {
  ConflictSet set(100);
  EXPECT_EQ(Judge(set, 101, One(99, {{"a", "b"}})), Verdict::too_old);
  EXPECT_EQ(Judge(set, 102, One(99, {{"a", "a"}})), Verdict::too_old);
  EXPECT_EQ(Judge(set, 103, One(-1, {}, {{"a", "b"}})), Verdict::committed);
  EXPECT_EQ(Judge(set, 104, One(100, {{"a", "b"}})), Verdict::conflict);
  set.SetOldest(103);
  set.SetOldest(50);
  EXPECT_EQ(set.oldest(), 103);
  EXPECT_EQ(set.boundaries(), 0u);
  EXPECT_EQ(Judge(set, 105, One(102, {{"a", "b"}})), Verdict::too_old);
  EXPECT_EQ(Judge(set, 106, One(103, {{"a", "b"}})), Verdict::committed);
}

TEST(ConflictSetTest, TheLongestKeys) {
  const Key a(30'000, '\xff');
  const Key b = KeyAfter(a);
  ConflictSet set(0);
  EXPECT_EQ(Judge(set, 1, One(0, {}, {{a, b}})), Verdict::committed);
  EXPECT_EQ(Judge(set, 2, One(0, {{KeyRef(a).substr(1), a}})), Verdict::committed);
  EXPECT_EQ(Judge(set, 3, One(0, {{a, b}})), Verdict::conflict);
  EXPECT_EQ(Judge(set, 4, One(0, {{b, KeyAfter(b)}})), Verdict::committed);
}

TEST(ConflictSetTest, RepeatedBoundariesAreHeldOnce) {
  ConflictSet set(0);
  for (Version v = 1; v <= 1000; ++v) (void)Judge(set, v, One(v - 1, {}, {{"a", "b"}, {"b", "c"}}));
  EXPECT_LE(set.boundaries(), 40u);  // Two in each run.
}

// A large batch arrives while smaller runs are being merged, at every stage of that.
TEST(ConflictSetTest, BurstsMeetMergesInHand) {
  for (Version burst_at = 500; burst_at < 560; ++burst_at) {
    ConflictSet set(0);
    std::vector<Key> keys;
    for (Version v = 0; v <= burst_at + 1000; ++v)
      keys.push_back("k" + std::to_string(100'000 + v));
    for (Version v = 1; v < burst_at; ++v) {
      const KeyRangeRef write{keys[static_cast<size_t>(v)], keys[static_cast<size_t>(v) + 1]};
      const ConflictTransaction transaction{0, {}, {&write, 1}};
      (void)set.Resolve(v, {&transaction, 1});
    }
    std::vector<KeyRangeRef> writes, reads;
    for (auto i = static_cast<size_t>(burst_at); i + 1 < keys.size(); i += 2) {
      writes.push_back({keys[i], keys[i + 1]});
    }
    for (size_t i = 1; i + 1 < keys.size(); ++i) reads.push_back({keys[i], keys[i + 1]});
    const ConflictTransaction burst{0, {}, writes};
    (void)set.Resolve(burst_at, {&burst, 1});
    const ConflictTransaction look{0, reads, {}, true};
    const size_t written = static_cast<size_t>(burst_at) - 1 + writes.size();
    ASSERT_EQ(set.Resolve(burst_at + 1, {&look, 1}).conflicting_reads.size(), written) << burst_at;
  }
}

// A window that moves on over even load, over a burst, and over silence: runs stay few, and little
// is held that is older than the window.
TEST(ConflictSetTest, MemoryIsBoundedByTheWindow) {
  constexpr Version kWindow = 400;
  Random random(1);
  ConflictSet set(0);
  std::deque<std::pair<Version, size_t>> live;
  size_t live_boundaries = 0, live_max = 0;
  for (Version v = 1; v <= 4000; ++v) {
    set.SetOldest(v - kWindow);
    while (!live.empty() && live.front().first <= v - kWindow) {
      live_boundaries -= live.front().second;
      live.pop_front();
    }
    const size_t count = v < 3000 ? 100 : v < 3010 ? 5000 : v % 100 == 0 ? 1 : 0;
    std::vector<Key> keys;
    std::vector<KeyRangeRef> writes;
    for (size_t i = 0; i < count; ++i) {
      Key key(16, 'k');
      for (char& byte : key) byte = static_cast<char>(random.Below(256));
      keys.push_back(key);
      keys.push_back(KeyAfter(key));
    }
    for (size_t i = 0; i < count; ++i) writes.push_back({keys[2 * i], keys[2 * i + 1]});
    const ConflictTransaction transaction{v - 1, {}, writes, false};
    (void)set.Resolve(v, {&transaction, 1});
    live.push_back({v, 2 * count});
    live_boundaries += 2 * count;
    live_max = std::max(live_max, live_boundaries);
    ASSERT_LE(set.boundaries(), live_boundaries + std::max<size_t>(16384, live_max / 2)) << v;
    ASSERT_LE(set.bytes(), 2 * 36 * (live_boundaries + live_max / 2 + 16384) + 100'000) << v;
    ASSERT_LE(set.runs(), 24u) << v;
  }
  set.SetOldest(4000);
  EXPECT_EQ(set.boundaries(), 0u);
  EXPECT_EQ(set.bytes(), 0u);
}

}  // namespace
}  // namespace orrery

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::optional<uint64_t> argument = orrery::SeedArgument(argc, argv);
  if (!argument.has_value()) return 2;
  const uint64_t seed = *argument;
  testing::RegisterTest("ConflictSet", "Model", nullptr, nullptr, __FILE__, __LINE__,
                        [seed]() -> testing::Test* { return new orrery::ConflictSetModel(seed); });
  return RUN_ALL_TESTS();
}
