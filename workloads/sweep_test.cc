// Goal: the database keeps its promises in every scenario. Method: a few seeds of each; one of them
// twice, to the same hash.
#include "workloads/sweep_fixture.h"

namespace orrery::workloads {
namespace {

constexpr uint64_t kSeeds = 5;

class Sweep : public ScenarioTest {};
INSTANTIATE_TEST_SUITE_P(All, Sweep, testing::ValuesIn(kScenarios),
                         [](const auto& each) { return std::string(each.param); });

TEST_P(Sweep, Passes) {
  int64_t commits = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const sim::RunResult result = Pass(seed);
    const auto found = result.metrics.find(scenario_.name + ".commits");
    if (found != result.metrics.end()) commits += found->second;
  }
  // A few hundred in a run; a cluster that serves next to nothing passes no test.
  EXPECT_GT(commits, 100 * static_cast<int64_t>(kSeeds));
}

TEST_P(Sweep, ASeedRepeats) {
  const sim::RunResult first = sim::RunScenario(system_, scenario_, 1);
  const sim::RunResult second = sim::RunScenario(system_, scenario_, 1);
  EXPECT_EQ(first.hash, second.hash);
  EXPECT_EQ(first.events, second.events);
}

}  // namespace
}  // namespace orrery::workloads
