// Seeds of the scenario: two hundred pass; each planted bug is found within two hundred, by the
// workload's own checks at least once; a seed repeats to the same hash. The harness can fail: the
// planted bugs say so.
#include <gtest/gtest.h>

#include <string>

#include "sim/examples/replicated_log/sweep_fixture.h"

namespace orrery::sim::replicated_log {
namespace {

constexpr uint64_t kSeeds = 200;

// Slices of the seeds, so that they run side by side.
class CleanSeeds : public SweepTest, public testing::WithParamInterface<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Slices, CleanSeeds, testing::Values(0, 1, 2, 3));

TEST_P(CleanSeeds, Pass) {
  int64_t writes = 0;
  int64_t reads = 0;
  for (uint64_t seed = GetParam(); seed < kSeeds; seed += 4) {
    RunResult result = Run(seed);
    EXPECT_TRUE(result.passed()) << Summary(result);
    writes += result.metrics["register.writes"];
    reads += result.metrics["register.reads"];
  }
  // About 3000 of each are begun in a run; a cluster that serves next to nothing passes no test.
  EXPECT_GT(writes, 1000 * static_cast<int64_t>(kSeeds / 4));
  EXPECT_GT(reads, 1000 * static_cast<int64_t>(kSeeds / 4));
}

class PlantedBugs : public SweepTest, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Each, PlantedBugs, testing::Values(1, 2, 3));

TEST_P(PlantedBugs, AreFoundByTheWorkload) {
  const std::string knob = "replicated_log_planted_bug=" + std::to_string(GetParam());
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const RunResult result = Run(seed, {knob});
    if (!result.passed() && result.failures[0].kind == "check") {
      RecordProperty("found_by_seed", static_cast<int>(seed));
      return;
    }
  }
  FAIL() << "not found within " << kSeeds << " seeds";
}

TEST_F(SweepTest, ASeedRepeats) {
  const RunResult first = Run(7);
  const RunResult second = Run(7);
  EXPECT_EQ(first.hash, second.hash);
  EXPECT_EQ(first.events, second.events);
  EXPECT_NE(first.hash, Run(8).hash);
}

}  // namespace
}  // namespace orrery::sim::replicated_log
