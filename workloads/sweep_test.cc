// Goal: the database keeps its promises in every scenario, and does little when nobody wants
// anything of it. Method: a few seeds of each scenario; one of them twice, to the same hash. The
// events of the idle one are counted, those of its creation included.
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
    for (const auto& [name, count] : result.metrics) {
      if (name.ends_with(".commits")) commits += count;
    }
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

constexpr int64_t kIdleEventsPerSecond = 1000;

class Idle : public ScenarioTest {
 protected:
  Idle() : ScenarioTest("idle") {}
};
INSTANTIATE_TEST_SUITE_P(Seeds, Idle, testing::Values("1", "2", "3"));

TEST_P(Idle, StaysWithinItsBudget) {
  const sim::RunResult result = Pass(std::stoull(GetParam()));
  EXPECT_EQ(result.deployment.size(), 5u);
  const Duration simulated = result.simulated - TimeFromNanoseconds(0);
  EXPECT_GE(simulated, Seconds(60));
  const int64_t seconds = simulated / Seconds(1);
  EXPECT_LE(static_cast<int64_t>(result.events), kIdleEventsPerSecond * seconds);
}

}  // namespace
}  // namespace orrery::workloads
