// Goal: a merge of two runs is the newer where it has a version and the older elsewhere, however it
// is sliced, and a run answers for every range what its boundaries say.
// Method: random step functions over short keys, looked at key by key.
#include "txn/resolver/conflict_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/random.h"

namespace orrery {
namespace {

// Key i of a universe in which heads are often equal.
std::vector<Key> Universe(size_t size) {
  std::vector<Key> keys;
  for (size_t i = 0; i < size; ++i) {
    Key key(15, 'p');
    key.push_back(static_cast<char>(i / 50));
    key.append(std::to_string(1000 + i));
    keys.push_back(i % 50 == 0 ? key.substr(0, 16) : key);
  }
  return keys;
}

struct Steps {
  std::vector<Version> at;  // By key.
  ConflictRun run;
};

Steps DrawSteps(Random& random, const std::vector<Key>& keys, Version low, Version high) {
  Steps steps;
  const uint64_t length = 1 + random.Below(8);
  while (steps.at.size() < keys.size()) {
    const Version version =
        random.Chance(OneIn(3)) || steps.at.empty() ? kInvalidVersion : random.Between(low, high);
    steps.at.resize(std::min(keys.size(), steps.at.size() + 1 + random.Below(length)), version);
  }
  steps.at.back() = kInvalidVersion;
  for (size_t i = 0; i < keys.size(); ++i) steps.run.Append(Split(keys[i]), steps.at[i]);
  return steps;
}

bool Ask(const ConflictRun& run, KeyRef begin, KeyRef end, Version read_version) {
  const SplitRange range{Split(begin), Split(end)};
  size_t lower = 0;
  run.LowerBounds(&range.begin.head, 1, &lower);
  return run.WrittenSince(lower, range, read_version);
}

TEST(ConflictRunTest, MergesInSlices) {
  Random random(1);
  const std::vector<Key> keys = Universe(200);
  for (int round = 0; round < 1000; ++round) {
    const Steps older = DrawSteps(random, keys, 10, 20);
    const Steps newer = DrawSteps(random, keys, 21, 30);
    RunMerge merge(older.run, newer.run);
    Version oldest = 0;
    while (!merge.Step(1 + random.Below(4), oldest)) {
      if (random.Chance(OneIn(50))) oldest = random.Between(oldest, Version{15});
    }
    const ConflictRun result = merge.TakeResult();
    ASSERT_LE(result.size(), older.run.size() + newer.run.size());
    for (size_t i = 0; i + 1 < keys.size(); ++i) {
      const Version want = newer.at[i] != kInvalidVersion ? newer.at[i] : older.at[i];
      ASSERT_FALSE(Ask(result, keys[i], keys[i + 1], want));
      if (want > oldest) ASSERT_TRUE(Ask(result, keys[i], keys[i + 1], want - 1)) << i;
    }
  }
}

TEST(ConflictRunTest, AnswersForEveryRange) {
  Random random(2);
  const std::vector<Key> keys = Universe(6000);
  const Steps steps = DrawSteps(random, keys, 0, 1000);
  for (int round = 0; round < 20'000; ++round) {
    const size_t begin = random.Below(keys.size() - 1);
    const size_t span = 1 + random.Below(random.Chance({1, 2}) ? 20 : keys.size());
    const size_t end = std::min(keys.size() - 1, begin + span);
    Version want = kInvalidVersion;
    for (size_t i = begin; i < end; ++i) want = std::max(want, steps.at[i]);
    ASSERT_FALSE(Ask(steps.run, keys[begin], keys[end], want)) << begin << " " << end;
    if (want < 0) continue;
    ASSERT_TRUE(Ask(steps.run, keys[begin], keys[end], want - 1)) << begin << " " << end;
  }
}

}  // namespace
}  // namespace orrery
