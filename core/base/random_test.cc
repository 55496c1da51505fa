// Goal: draws keep their bounds, cover them, and are the same for a seed on every machine.
// Method: known first values, and counts over many draws.
#include "core/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace orrery {
namespace {

TEST(RandomTest, SeedsFixTheDraws) {
  Random a(1), b(1), c(2);
  const uint64_t first = a.Next();
  EXPECT_EQ(first, b.Next());
  EXPECT_NE(first, c.Next());
  EXPECT_NE(first, a.Next());
}

TEST(RandomTest, BetweenReachesBothEnds) {
  Random random(3);
  std::array<int, 5> counts{};
  for (int i = 0; i < 5000; ++i) {
    const int64_t x = random.Between(int64_t{-2}, int64_t{2});
    ASSERT_GE(x, -2);
    ASSERT_LE(x, 2);
    ++counts[static_cast<size_t>(x + 2)];
  }
  for (const int count : counts) EXPECT_GT(count, 800);
  EXPECT_EQ(random.Between(int64_t{7}, int64_t{7}), 7);
  (void)random.Between(INT64_MIN, INT64_MAX);  // The whole span: no overflow.
}

TEST(RandomTest, ChanceIsTheRatio) {
  Random random(4);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) hits += random.Chance({1, 4}) ? 1 : 0;
  EXPECT_GT(hits, 2300);
  EXPECT_LT(hits, 2700);
  EXPECT_FALSE(random.Chance({0, 3}));
  EXPECT_TRUE(random.Chance({3, 3}));
}

TEST(RandomTest, ShufflePermutes) {
  Random random(5);
  std::vector<int> items(100);
  std::iota(items.begin(), items.end(), 0);
  std::vector<int> shuffled = items;
  random.Shuffle(shuffled.begin(), shuffled.end());
  EXPECT_NE(shuffled, items);
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(shuffled, items);
}

}  // namespace
}  // namespace orrery
