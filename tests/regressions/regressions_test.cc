// Goal: a bug that a sweep found stays fixed. Method: the fault plan that showed it is replayed on
// its scenario; each NAME.textproto in this folder is a case of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/fault/draw.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/runner.h"
#include "sim/run/scenario.h"
#include "workloads/system/database_system.h"

namespace orrery::workloads {
namespace {

constexpr char kFolder[] = "tests/regressions/";
constexpr char kSuffix[] = ".textproto";

std::vector<std::string> PlanNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == kSuffix) names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Regression : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Regression);
INSTANTIATE_TEST_SUITE_P(Plans, Regression, testing::ValuesIn(PlanNames()),
                         [](const auto& each) { return each.param; });

TEST_P(Regression, StaysFixed) {
  const std::string file = kFolder + GetParam() + kSuffix;
  const absl::StatusOr<std::string> text = sim::ReadTextFile(file);
  ASSERT_TRUE(text.ok()) << text.status();
  const absl::StatusOr<sim::FaultPlan> plan = sim::FaultPlanFromText(*text);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const DatabaseSystem system;
  const absl::StatusOr<sim::Scenario> scenario =
      sim::LoadScenario("workloads/scenarios/" + plan->scenario() + ".toml", system);
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  const sim::RunRequest request = {
      .system = system, .scenario = *scenario, .seed = plan->seed(), .plan = *text};
  const absl::Status valid = sim::ValidateRequest(request, file);
  ASSERT_TRUE(valid.ok()) << valid;
  const sim::RunResult result = sim::RunIsolated(request);
  std::string told;
  for (const sim::RunFailure& each : result.failures) told += each.kind + ": " + each.text + "\n";
  EXPECT_TRUE(result.passed()) << told << result.diagnosis;
}

}  // namespace
}  // namespace orrery::workloads
