// Two thousand more seeds of the scenario pass. Method: slices that run side by side.
#include <gtest/gtest.h>

#include "sim/examples/replicated_log/sweep_fixture.h"

namespace orrery::sim::replicated_log {
namespace {

constexpr uint64_t kFirst = 200;  // sweep_test has those before.
constexpr uint64_t kEnd = 2200;
constexpr uint64_t kSlices = 4;

class MoreSeeds : public SweepTest, public testing::WithParamInterface<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Slices, MoreSeeds, testing::Range(uint64_t{0}, kSlices));

TEST_P(MoreSeeds, Pass) {
  for (uint64_t seed = kFirst + GetParam(); seed < kEnd; seed += kSlices) {
    const RunResult result = Run(seed);
    EXPECT_TRUE(result.passed()) << Summary(result);
  }
}

}  // namespace
}  // namespace orrery::sim::replicated_log
