// Goal: any one process may be killed at any await, and all at once, power included, and started
// again in any order, and every promise holds. Method: moments drawn from the events of a recorded
// run; the same run with that one death more. KILL_POINTS says how many; a few in the fast tier.
#include "workloads/kill_points.h"

#include <gtest/gtest.h>

#include "core/base/hash.h"

namespace orrery::workloads {
namespace {

constexpr int kShares = 8;
constexpr int kPointsPerShare = KILL_POINTS / kShares;

std::string Told(const sim::RunResult& result) {
  std::string told;
  for (const sim::RunFailure& each : result.failures) told += each.kind + ": " + each.text + "\n";
  return told + result.plan + result.diagnosis;
}

// Each parameter is a share of the points, with a base run of its own.
class KillPointsTest : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Shares, KillPointsTest, testing::Range(0, kShares));

TEST_P(KillPointsTest, EveryPromiseHolds) {
  const auto share = static_cast<uint64_t>(GetParam());
  const KillPoints points(1 + share);
  ASSERT_GT(points.size(), 1000u);
  Random random(HashWords(share, 7));
  for (int i = 0; i < kPointsPerShare; ++i) {
    const size_t point = random.Below(points.size());
    const sim::RunResult one = points.KillOne(point, random);
    ASSERT_TRUE(one.passed()) << Told(one);
    ASSERT_EQ(one.faults.count("kill_process"), 1u) << Told(one);
    if (i % 5 != 0) continue;
    const sim::RunResult all = points.KillAll(point, random);
    ASSERT_TRUE(all.passed()) << Told(all);
  }
}

}  // namespace
}  // namespace orrery::workloads
