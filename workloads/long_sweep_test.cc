// Goal: as sweep_test. Method: many more seeds of each scenario, and the reference run with what it
// must show. (Not every seed of it breaks enough: kinds of fault are off by draw.)
#include "workloads/sweep_fixture.h"

namespace orrery::workloads {
namespace {

constexpr uint64_t kFirst = 6;  // sweep_test has those before.
constexpr uint64_t kEnd = 56;

class LongSweep : public ScenarioTest {};
INSTANTIATE_TEST_SUITE_P(All, LongSweep, testing::ValuesIn(kScenarios),
                         [](const auto& each) { return std::string(each.param); });

TEST_P(LongSweep, Passes) {
  for (uint64_t seed = kFirst; seed < kEnd; ++seed) Pass(seed);
}

class Reference : public ScenarioTest {
 protected:
  Reference() : ScenarioTest("reference") {}
};
INSTANTIATE_TEST_SUITE_P(Seeds, Reference, testing::Values("16", "22", "30"));

TEST_P(Reference, ShowsWhatItMust) {
  const sim::RunResult result = Pass(std::stoull(GetParam()));
  EXPECT_GE(result.simulated, TimeFromNanoseconds(0) + Seconds(60));
  EXPECT_EQ(result.deployment.size(), 7u);
  EXPECT_GE(result.metrics.at("ring.commits") + result.metrics.at("ledger.commits"), 5000);
  EXPECT_GE(result.metrics.at("consistency_check.recoveries"), 3);
  EXPECT_GE(result.faults.size(), 5u) << "kinds of fault";
}

}  // namespace
}  // namespace orrery::workloads
