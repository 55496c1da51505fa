// Goal: the check for determinism finds each way in which a run can depend on what is not its seed,
// and names the first event that shows it; and it finds nothing where nothing is.
// Method: the ping system with the answer's delay made to depend on an address, an unordered
// iteration, a real clock, memory that nobody wrote, and on a clock very rarely.
#include "sim/run/check.h"

#include <gtest/gtest.h>

#include "sim/run/testing/ping_system.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

CheckResult CheckFile(const std::string& file) {
  const PingSystem system;
  absl::StatusOr<Scenario> scenario = LoadScenario(file, system);
  EXPECT_TRUE(scenario.ok()) << scenario.status().message();
  return CheckDeterminism({.system = system, .scenario = *scenario, .seed = 7},
                          {"sim", "--scenario", file, "--seed", "7"});
}

CheckResult Check(const std::string& plant, const std::string& more = "") {
  return CheckFile(WriteFile(plant + ".toml", PingToml(plant) + more));
}

class FindsTest : public testing::TestWithParam<const char*> {};

TEST_P(FindsTest, AndNamesTheFirstDivergentEvent) {
  const CheckResult result = Check(GetParam());
  ASSERT_FALSE(result.same);
  ASSERT_TRUE(result.divergence.has_value()) << DescribeCheck(result);
  const Divergence& found = *result.divergence;
  ASSERT_FALSE(found.first.empty());
  ASSERT_FALSE(found.second.empty());
  EXPECT_EQ(found.first[0].index, found.second[0].index);
  EXPECT_FALSE(found.first[0].SameAs(found.second[0]));
  EXPECT_EQ(found.before.size(), 10u);
  EXPECT_EQ(found.before.back().index + 1, found.first[0].index);
  // What differs first is when a server's delay is over: an event of the server.
  const std::string text = DescribeCheck(result);
  EXPECT_NE(text.find("first divergent event: #" + std::to_string(found.first[0].index)),
            std::string::npos);
  const size_t line = text.find("\n  > #");
  ASSERT_NE(line, std::string::npos) << text;
  EXPECT_NE(text.substr(line, text.find('\n', line + 1) - line).find("event    ping-"),
            std::string::npos)
      << text;
}

INSTANTIATE_TEST_SUITE_P(Check, FindsTest,
                         testing::Values("address", "unordered", "clock", "uninitialised", "rare"),
                         [](const auto& param) { return std::string(param.param); });

TEST(Check, FindsWhatComesAfterMoreEntriesThanARecordingHolds) {
  const CheckResult result = CheckFile(WriteFile(
      "late.toml",
      "duration = \"30s\"\nclients = 20\n[knobs]\nrandomise = false\n[topology]\nplant = \"late\"\n"
      "[[workload]]\nname = \"ping\"\ninterval = \"1ms\"\n"));
  ASSERT_FALSE(result.same);
  ASSERT_TRUE(result.divergence.has_value()) << DescribeCheck(result);
  EXPECT_GT(result.divergence->first.at(0).index, kRecordedNotesMax);
  EXPECT_EQ(result.divergence->before.size(), 10u);
}

TEST(Check, FindsNothingWhereNothingIs) {
  const CheckResult result = Check("none");
  EXPECT_TRUE(result.same) << DescribeCheck(result);
  EXPECT_EQ(result.pairs, 1);
  EXPECT_TRUE(result.first.passed());
  EXPECT_EQ(result.first.hash, result.second.hash);
  EXPECT_EQ(DescribeCheck(result), "");
}

TEST(Check, FindsNothingUnderFaults) {
  const CheckResult result =
      Check("none", "[faults]\nkinds = [\"network\", \"process\", \"disk\", \"clock\"]\n");
  EXPECT_TRUE(result.same) << DescribeCheck(result);
}

TEST(Check, ARunThatCrashesIsTheSameTwiceToo) {
  const CheckResult result = Check("invariant");
  EXPECT_TRUE(result.same) << DescribeCheck(result);
  ASSERT_FALSE(result.first.passed());
  EXPECT_EQ(result.first.failures[0].kind, "invariant");
  // It lay elsewhere in memory, and its functions have their names all the same.
  EXPECT_NE(result.second.diagnosis.find("Misbehave"), std::string::npos)
      << result.second.diagnosis;
}

TEST(Check, ARunThatHangsIsTheSameTwiceToo) {
  const CheckResult result = Check("hang", "[knobs]\nrun_hang_cpu_max = \"300ms\"\n");
  EXPECT_TRUE(result.same) << DescribeCheck(result);
  ASSERT_FALSE(result.first.passed());
  EXPECT_EQ(result.first.failures[0].kind, "hang");
}

}  // namespace
}  // namespace orrery::sim
