// Goal: hashes are the same for ever: seeds, plans and stored bytes hang on them.
// Method: known values (XXH3's are from its reference implementation), and sensitivity.
#include "core/base/hash.h"

#include <gtest/gtest.h>

#include <bit>

namespace orrery {
namespace {

TEST(HashTest, Xxh3KnownValues) {
  EXPECT_EQ(HashBytes(""), 0x2d06800538d394c2u);
  EXPECT_EQ(HashBytes("a"), 0xe6c632b61e964e1fu);
  EXPECT_NE(HashBytes("a", 1), HashBytes("a"));
}

TEST(HashTest, WordsDependOnOrderAndCount) {
  EXPECT_NE(HashWords(1, 2), HashWords(2, 1));
  EXPECT_NE(HashWords(0), HashWords(0, 0));
  EXPECT_NE(HashWords(0, 0), HashWords(0, 0, 0));
  static_assert(HashWords(1, 2) == HashWords(1, 2));
}

TEST(HashTest, OneBitChangesHalfOfThem) {
  int changed = 0;
  for (int bit = 0; bit < 64; ++bit) {
    changed += std::popcount(HashWords(7, 9) ^ HashWords(7, uint64_t{9} ^ (uint64_t{1} << bit)));
  }
  EXPECT_GT(changed, 64 * 28);
  EXPECT_LT(changed, 64 * 36);
}

}  // namespace
}  // namespace orrery
