// Goal: keys and ranges at their edges. Method: tables.
#include "core/base/keys.h"

#include <gtest/gtest.h>

namespace orrery {
namespace {

TEST(KeysTest, AfterAndPrefixEnd) {
  EXPECT_EQ(KeyAfter("a"), std::string("a\0", 2));
  EXPECT_LT(Key("a"), KeyAfter("a"));
  EXPECT_EQ(PrefixEnd("a"), "b");
  EXPECT_EQ(PrefixEnd("a\xff\xff"), "b");
  EXPECT_EQ(PrefixEnd(std::string("\x7f", 1)), "\x80");
}

TEST(KeysTest, BytesAreUnsigned) { EXPECT_LT(KeyRef("\x7f"), KeyRef("\x80")); }

TEST(KeysTest, Ranges) {
  const KeyRangeRef ab{"a", "b"};
  EXPECT_TRUE(ab.Contains("a"));
  EXPECT_TRUE(ab.Contains("az"));
  EXPECT_FALSE(ab.Contains("b"));
  EXPECT_FALSE(ab.Intersects({"b", "c"}));
  EXPECT_TRUE(ab.Intersects({"az", "c"}));
  EXPECT_FALSE(ab.Intersects({"a", "a"}));
  EXPECT_TRUE((KeyRangeRef{"b", "a"}).empty());
}

}  // namespace
}  // namespace orrery
