// Goal: a plan narrows a run as fault_plan.proto says, keeps what it says when it is saved again,
// and is refused in one line when it does not fit. Method: plans of the ping system by hand.
#include "sim/run/narrow.h"

#include <gtest/gtest.h>

#include "sim/fault/draw.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/report.h"
#include "sim/run/runner.h"
#include "sim/run/testing/ping_system.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

constexpr char kHead[] = "version: 1 seed: 7 scenario: \"ping\" ";

class NarrowTest : public testing::Test {
 protected:
  RunRequest Request(const std::string& narrowing) const {
    return {.system = system, .scenario = scenario, .seed = 7, .plan = kHead + narrowing};
  }
  RunResult RunIt(const RunRequest& request) const {
    const absl::Status valid = ValidateRequest(request, "p");
    EXPECT_TRUE(valid.ok()) << valid;
    RunResult result = RunIsolated(request);
    EXPECT_TRUE(result.passed()) << Summary(result);
    return result;
  }
  RunResult RunPlan(const std::string& narrowing) const { return RunIt(Request(narrowing)); }

  const PingSystem system;
  const Scenario scenario = PingScenario(PingToml());
};

TEST_F(NarrowTest, TopologyClientsAndDuration) {
  const RunResult result = RunPlan(
      "topology { name: \"servers\" value: \"2\" } topology { name: \"lucky\" value: \"77\" } "
      "clients: 1 duration_ns: 3000000000");
  EXPECT_EQ(result.deployment.size(), 2u);
  EXPECT_EQ(result.metrics.at("ping.lucky"), 77);
  EXPECT_EQ(result.operations.size(), 1u);
  EXPECT_EQ(result.operations.begin()->first, "ping/0");
  EXPECT_LT(result.simulated, result.faults_begun + Seconds(5));
  EXPECT_GE(result.simulated, result.faults_begun + Seconds(3));
}

TEST_F(NarrowTest, OperationsThatAreLeftOutAreNotDone) {
  const RunResult all = RunPlan("");
  ASSERT_GT(all.operations.at("ping/0"), 100u);
  EXPECT_EQ(all.metrics.at("ping.pings"),
            static_cast<int64_t>(all.operations.at("ping/0") + all.operations.at("ping/1")));
  const RunResult some = RunPlan(
      "operations { workload: \"ping\" client: 0 only: \"3,8-9\" } "
      "operations { workload: \"ping\" client: 1 only: \"\" }");
  EXPECT_EQ(some.metrics.at("ping.pings"), 3);
  EXPECT_GT(some.operations.at("ping/1"), 100u);  // Asked for all the same.
}

TEST_F(NarrowTest, AScheduleOverEverythingIsNone) {
  std::string windows = "schedule { drawn { to_ns: 9000000000000 }";
  for (const char* process : {"ping-0", "ping-1", "ping-2", "client-0", "client-1"}) {
    windows += std::string(" drawn { process: \"") + process + "\" to_ns: 9000000000000 }";
  }
  const RunResult without = RunPlan("");
  EXPECT_EQ(RunPlan(windows + "}").hash, without.hash);
  const RunResult ordered = RunPlan("schedule {}");
  EXPECT_NE(ordered.hash, without.hash);
  EXPECT_EQ(RunPlan("schedule {}").hash, ordered.hash);
}

TEST_F(NarrowTest, AnotherChanceIsAnotherRunOfTheSame) {
  const RunResult own = RunPlan("");
  EXPECT_EQ(RunPlan("chance: 0").hash, own.hash);
  const RunResult other = RunPlan("chance: 3");
  EXPECT_NE(other.hash, own.hash);
  EXPECT_EQ(RunPlan("chance: 3").hash, other.hash);
  EXPECT_NE(RunPlan("chance: 4").hash, other.hash);
  // What was drawn, and what clients did.
  EXPECT_EQ(other.drawn, own.drawn);
  EXPECT_EQ(other.deployment, own.deployment);
  EXPECT_EQ(other.operations, own.operations);
  EXPECT_EQ(other.metrics.at("ping.pings"), own.metrics.at("ping.pings"));
}

TEST_F(NarrowTest, WhatAPlanSaysIsKeptWhenItIsSavedAgainExceptTheOutcome) {
  const std::string narrowing =
      "faults { at_ns: 5 kill_process { process: \"ping-1\" } } "
      "topology { name: \"lucky\" value: \"5\" } clients: 1 duration_ns: 2000000000 "
      "operations { workload: \"ping\" client: 0 only: \"1-4\" } "
      "schedule { drawn { process: \"ping-1\" from_ns: 5 to_ns: 6 } } chance: 2 ";
  const RunResult result = RunPlan(narrowing + "outcome { hash: \"0\" signature: \"x\" }");
  const absl::StatusOr<FaultPlan> given = FaultPlanFromText(kHead + narrowing);
  absl::StatusOr<FaultPlan> saved = FaultPlanFromText(result.plan);
  ASSERT_TRUE(given.ok() && saved.ok());
  saved->clear_knobs();
  EXPECT_EQ(FaultPlanToText(*saved), FaultPlanToText(*given));
}

TEST_F(NarrowTest, ARunThatIsCutHasNeitherFailedNorPassed) {
  RunRequest request = Request("");
  request.until = TimeFromNanoseconds(0) + Seconds(4);
  const RunResult early = RunIt(request);
  EXPECT_TRUE(early.stopped);
  EXPECT_EQ(early.phase, "faults");
  EXPECT_LE(early.simulated, request.until);
  request.until = kNever;
  EXPECT_FALSE(RunIt(request).stopped);
  request.events_max = early.events;
  const RunResult counted = RunIt(request);
  EXPECT_TRUE(counted.stopped);
  EXPECT_EQ(counted.events, early.events);
  EXPECT_EQ(counted.hash, early.hash);
  EXPECT_EQ(counted.operations, early.operations);
}

TEST_F(NarrowTest, WhatDoesNotFitIsRefusedInOneLine) {
  static constexpr std::pair<const char*, const char*> kCases[] = {
      {"topology { name: \"servers\" value: \"0\" }",
       "p: [topology] servers: expected a whole number from 1 to 100, found 0"},
      {"topology { name: \"servers\" value: \"many\" }",
       "p: [topology] servers: expected a whole number from 1 to 100, found \"many\""},
      {"topology { name: \"nope\" value: \"1\" }",
       "p: [topology] nope: no such option; those known are lucky, plant, servers"},
      {"topology { value: \"1\" }", "p: a topology value has no name"},
      {"clients: 1001", "p: clients: 1001 is more than 1000"},
      {"duration_ns: -1", "p: duration_ns: must be longer than nothing and at most a year"},
      {"operations { workload: \"ping\" client: 2 }",
       "p: operations of ping/2: there are 2 clients, numbered from 0"},
      {"clients: 1 operations { workload: \"ping\" client: 1 }",
       "p: operations of ping/1: there are 1 clients, numbered from 0"},
      {"operations { workload: \"ping\" only: \"all\" }",
       "p: operations of ping/0: \"all\" is no set of ordinals like \"0-17,23\", ascending and "
       "apart"},
      {"schedule { drawn { process: \"nobody\" to_ns: 1 } }",
       "p: schedule: there is no process \"nobody\""},
      {"schedule { drawn { process: \"ping-1\" from_ns: 7 to_ns: 7 } }",
       "p: schedule: a window of \"ping-1\" ends before it begins"},
  };
  for (const auto& [narrowing, message] : kCases) {
    EXPECT_EQ(ValidateRequest(Request(narrowing), "p").message(), message) << narrowing;
  }
  // A fault of a machine that the topology of the plan does not have any more.
  const absl::Status gone =
      ValidateRequest(Request("topology { name: \"servers\" value: \"1\" } "
                              "faults { kill_process { process: \"ping-2\" } }"),
                      "p");
  EXPECT_FALSE(gone.ok());
}

}  // namespace
}  // namespace orrery::sim
