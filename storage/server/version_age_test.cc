// Goal: ages count the versions that could have been, whatever was jumped over.
// Method: random jumps against a set of every version that could have been.
#include "storage/server/version_age.h"

#include <gtest/gtest.h>

#include <set>

#include "core/base/random.h"

namespace orrery {
namespace {

TEST(VersionAgeTest, CountsWhatCouldHaveBeen) {
  Random random(1);
  for (int world = 0; world < 300; ++world) {
    VersionAge ages;
    std::set<Version> possible{0};
    Version newest = 0;
    for (int steps = 0; steps < 6; ++steps) {
      for (int64_t n = random.Between(0, 8); n > 0; --n) possible.insert(++newest);
      if (random.Chance(OneIn(2))) {
        const Version first = newest + random.Between(1, 20);
        ages.AddJump(newest, first);
        possible.insert(newest = first);
      }
    }
    for (int check = 0; check < 60; ++check) {
      const Version older = random.Between(0, newest);
      const Version newer = random.Between(0, newest);
      Version between = 0;
      for (const Version v : possible) between += v > older && v <= newer;
      ASSERT_EQ(ages.Between(older, newer), between) << older << " " << newer;
      const Version age = random.Between(0, 40);
      const Version back = ages.Back(newer, age);
      if (back > 0) ASSERT_GE(ages.Between(back, newer), age) << newer << " " << age;
      if (newer > back) ASSERT_LT(ages.Between(back + 1, newer), std::max<Version>(age, 1));
      if (!possible.contains(newer)) continue;
      ASSERT_LE(back, newer);
    }
    // What is forgotten does not count any more, and what is left does.
    const Version oldest = random.Between(0, newest);
    const Version age = ages.Between(oldest, newest);
    ages.Forget(oldest);
    ASSERT_EQ(ages.Between(oldest, newest), age);
  }
}

TEST(VersionAgeTest, AWindowThatReachesOverAJumpEndsBeforeIt) {
  VersionAge ages;
  ages.AddJump(1'000, 100'001'000);
  EXPECT_EQ(ages.Between(1'000, 100'001'000), 1);
  EXPECT_EQ(ages.Back(100'001'009, 10), 100'000'999);
  EXPECT_EQ(ages.Back(100'001'009, 11), 999);
  EXPECT_EQ(ages.Back(100'001'009, 5'000), 0);
}

}  // namespace
}  // namespace orrery
