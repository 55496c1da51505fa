// Goal: a broken invariant says what, where and with which values. Method: death tests.
#include "core/base/invariant.h"

#include <gtest/gtest.h>

namespace orrery {
namespace {

TEST(InvariantDeathTest, SaysWhatAndWhere) {
  const int begin = 3;
  const int end = 2;
  EXPECT_DEATH(INVARIANT(begin <= end),
               "INVARIANT failed: begin <= end at .*invariant_test.cc:[0-9]+\n");
  EXPECT_DEATH(INVARIANT(begin <= end, begin, end), "with \\(begin, end\\) = \\(3, 2\\)");
}

TEST(InvariantTest, EvaluatesItsConditionOnceAndItsValuesNever) {
  int conditions = 0;
  int values = 0;
  INVARIANT(++conditions == 1, ++values);
  EXPECT_EQ(conditions, 1);
  EXPECT_EQ(values, 0);
}

}  // namespace
}  // namespace orrery
