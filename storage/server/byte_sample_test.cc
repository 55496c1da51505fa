// Goal: the sample depends on the rows alone, and tells their bytes about.
// Method: two random histories that end in the same rows; sums against the truth.
#include "storage/server/byte_sample.h"

#include <gtest/gtest.h>

#include "core/base/random.h"

namespace orrery {
namespace {

Key KeyOf(uint64_t n) { return "key/" + std::to_string(1'000'000 + n); }

TEST(ByteSampleTest, DependsOnTheRowsAlone) {
  Random random(1);
  ByteSample plain;
  ByteSample stirred;
  for (uint64_t n = 0; n < 20'000; ++n) {
    const uint64_t bytes = random.Below(random.Chance(OneIn(50)) ? 50'000 : 200);
    plain.Set(KeyOf(n), bytes);
    stirred.Set(KeyOf(n), random.Below(100'000));
    if (random.Chance(OneIn(3))) stirred.Clear({KeyOf(n), KeyOf(n + 3)});
    stirred.Set(KeyOf(n), bytes);
  }
  ASSERT_GT(plain.size(), 100u);
  EXPECT_EQ(plain.size(), stirred.size());
  for (uint64_t n = 0; n < 20'000; n += 100) {
    const Key begin = KeyOf(n);
    const Key end = KeyOf(n + 100);
    EXPECT_EQ(plain.Bytes({begin, end}), stirred.Bytes({begin, end}));
  }
  stirred.Clear({"", "l"});
  EXPECT_EQ(stirred.size(), 0u);
}

TEST(ByteSampleTest, TellsTheBytesAbout) {
  ByteSample sample;
  constexpr uint64_t kRows = 200'000;
  uint64_t bytes = 0;
  for (uint64_t n = 0; n < kRows; ++n) {
    sample.Set(KeyOf(n), 100);
    bytes += KeyOf(n).size() + 100;
  }
  EXPECT_LT(sample.size(), kRows / 150);
  const uint64_t told = sample.Bytes({"", "l"});
  EXPECT_GT(told, bytes / 100 * 85);
  EXPECT_LT(told, bytes / 100 * 115);
  const std::vector<Key> cuts = sample.SplitKeys({"", "l"}, bytes / 10);
  EXPECT_GE(cuts.size(), 7u);
  EXPECT_LE(cuts.size(), 12u);
  Key before;
  for (const Key& cut : cuts) {
    EXPECT_LT(before, cut);
    EXPECT_LT(sample.Bytes({before, cut}), bytes / 10 * 13 / 10);
    before = cut;
  }
}

}  // namespace
}  // namespace orrery
