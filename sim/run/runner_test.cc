// Goal: every way in which a run can fail is found, named, and stays that run's own; a run without
// a defect passes, and gives the same hash each time.
// Method: the ping system with one defect planted for each kind of failure.
#include "sim/run/runner.h"

#include <gtest/gtest.h>

#include "sim/run/evidence.h"
#include "sim/run/report.h"
#include "sim/run/testing/ping_system.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

RunResult RunPlanted(const std::string& plant, const std::string& workload = "",
                     std::vector<std::string> knobs = {}) {
  return RunScenario(PingSystem(), PingScenario(PingToml(plant, workload)), 7, std::move(knobs));
}

// The one failure of a run that must fail.
RunFailure FailureOf(const RunResult& result) {
  if (result.failures.size() != 1) {
    ADD_FAILURE() << "one failure expected: " << Summary(result);
    return {};
  }
  return result.failures[0];
}

TEST(Runner, ARunWithoutDefectPassesWithEverythingTold) {
  const RunResult result = RunPlanted("none");
  EXPECT_TRUE(result.passed()) << Summary(result);
  EXPECT_EQ(result.phase, "end");
  EXPECT_EQ(result.seed, 7u);
  EXPECT_EQ(result.scenario, "ping");
  EXPECT_GE(result.simulated, TimeFromNanoseconds(0) + Seconds(10));
  EXPECT_LT(result.simulated, TimeFromNanoseconds(0) + Seconds(15));
  EXPECT_GT(result.events, 1000u);
  EXPECT_NE(result.hash, 0u);
  EXPECT_EQ(result.deployment.size(), 3u);
  EXPECT_FALSE(result.drawn.empty());
  EXPECT_GT(result.probes.at("ping.answered"), 100u);
  EXPECT_GT(result.metrics.at("ping.answers"), 100);
  EXPECT_NE(result.plan.find("version: 1"), std::string::npos);
  EXPECT_GT(result.start, Duration::zero());  // Reported, not judged: machines are busy.
  RecordProperty("start_to_first_event_us", static_cast<int>(result.start / Microseconds(1)));
}

TEST(Runner, ASeedFixesEverythingAndAnotherDoesNot) {
  const Scenario scenario = PingScenario(PingToml());
  const RunResult once = RunScenario(PingSystem(), scenario, 7);
  const RunResult again = RunScenario(PingSystem(), scenario, 7);
  const RunResult other = RunScenario(PingSystem(), scenario, 8);
  EXPECT_EQ(once.hash, again.hash);
  EXPECT_EQ(once.events, again.events);
  EXPECT_EQ(once.metrics, again.metrics);
  EXPECT_EQ(once.drawn, again.drawn);
  EXPECT_NE(once.hash, other.hash);
}

TEST(Runner, AKnobThatIsGivenWinsAndIsTold) {
  const RunResult slow = RunPlanted("none", "", {"ping_answer_delay=7ms"});
  ASSERT_TRUE(slow.passed()) << Summary(slow);
  const std::pair<std::string, std::string> line("ping_answer_delay", "7ms");
  EXPECT_NE(std::find(slow.knobs.begin(), slow.knobs.end(), line), slow.knobs.end());
  EXPECT_NE(slow.hash, RunPlanted("none").hash);
}

TEST(Runner, WhatTheSeedSettlesIsToldToClientsAndListed) {
  const RunResult result = RunPlanted("none");
  EXPECT_TRUE(result.passed()) << Summary(result);
  const int64_t lucky = result.metrics.at("ping.lucky");
  EXPECT_GT(lucky, 0);
  const std::pair<std::string, std::string> line("topology.lucky", std::to_string(lucky));
  EXPECT_NE(std::find(result.drawn.begin(), result.drawn.end(), line), result.drawn.end());
  EXPECT_EQ(result.probes.at("ping.created"), 1u) << "once";
}

TEST(Runner, FailedCreate) {
  const RunFailure failure =
      FailureOf(RunScenario(PingSystem(), PingScenario(PingToml("none\"\nlucky = 0 #")), 7));
  EXPECT_EQ(failure.kind, "setup");
  EXPECT_EQ(failure.text,
            "Create on client 0: io_error (1510): a disk operation failed: out of luck");
}

TEST(Runner, CommitsAndRecoveriesAreToldAtTheTop) {
  RunResult result = RunPlanted("none");
  EXPECT_EQ(ToJson(result, "").find("\"commits\""), std::string::npos) << "nobody counts them";
  EXPECT_NE(ToJson(result, "").find("\"cpu_us_per_event\":"), std::string::npos);
  result.metrics["ping.commits"] = 40;
  result.metrics["pong.commits"] = 10;
  result.metrics["pong.recoveries"] = 3;
  result.cpu = Milliseconds(1);
  const std::string json = ToJson(result, "");
  EXPECT_NE(json.find("\"commits\":50,\"cpu_us_per_commit\":20.000,\"recoveries\":3"),
            std::string::npos)
      << json;
  EXPECT_NE(DescribeOutcome(result).find("20.000 us per commit; commits 50, recoveries 3\n"),
            std::string::npos)
      << DescribeOutcome(result);
}

TEST(Runner, FailedSetup) {
  const RunFailure failure = FailureOf(RunPlanted("none", "fail_in = \"setup\""));
  EXPECT_EQ(failure.kind, "setup");
  EXPECT_EQ(failure.text,
            "ping: Setup on client 0: io_error (1510): a disk operation failed: asked to fail");
}

TEST(Runner, FailedStart) {
  const RunFailure failure = FailureOf(RunPlanted("none", "fail_in = \"start\""));
  EXPECT_EQ(failure.kind, "check");
  EXPECT_NE(failure.text.find("ping: Start on client "), std::string::npos);
}

TEST(Runner, FailedCheck) {
  const RunResult result = RunPlanted("none", "answers_min = 1000000");
  EXPECT_EQ(FailureOf(result).kind, "check");
  EXPECT_EQ(result.phase, "check");
  EXPECT_NE(result.failures[0].text.find("at least 1000000 answers should have come"),
            std::string::npos);
}

TEST(Runner, StartThatDoesNotEnd) {
  const RunFailure failure = FailureOf(RunPlanted("none", "fail_in = \"endless\""));
  EXPECT_EQ(failure.kind, "liveness");
  EXPECT_EQ(failure.text,
            "ping: Start on client 0, ping: Start on client 1 did not end within 20 s of the last "
            "operation that ended");
}

TEST(Runner, OperationsThatGoOnAreAlive) {
  const RunResult result = RunPlanted("none", "fail_in = \"slow\"");
  EXPECT_TRUE(result.passed()) << result.failures.front().text;
  EXPECT_GT(result.simulated - Time{}, Seconds(60));
}

TEST(Runner, NoRecovery) {
  const RunResult result = RunPlanted("deaf");
  EXPECT_EQ(FailureOf(result).kind, "liveness");
  EXPECT_EQ(result.failures[0].text,
            "AwaitRecovered on client 0 did not end within 20 s of the last operation that "
            "ended");
  EXPECT_EQ(result.phase, "liveness");
}

TEST(Runner, ErrorEvent) {
  const RunFailure failure = FailureOf(RunPlanted("error_event"));
  EXPECT_EQ(failure.kind, "error_event");
  EXPECT_NE(failure.text.find(": PingPlanted pings=10"), std::string::npos) << failure.text;
}

TEST(Runner, BrokenInvariant) {
  const RunResult result = RunPlanted("invariant");
  EXPECT_EQ(FailureOf(result).kind, "invariant");
  EXPECT_NE(result.failures[0].text.find("server->pings < kFatalPing"), std::string::npos);
  EXPECT_NE(result.diagnosis.find("orrery::sim::"), std::string::npos) << result.diagnosis;
  EXPECT_FALSE(result.drawn.empty()) << "what was drawn is known after a crash too";
  EXPECT_GT(result.events, 0u);
  EXPECT_EQ(result.hash, RunPlanted("invariant").hash) << "and the hash up to the last event";
}

TEST(Runner, Signal) {
  const RunFailure failure = FailureOf(RunPlanted("signal"));
  EXPECT_EQ(failure.kind, "crash");
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
  EXPECT_EQ(failure.text, "signal Segmentation fault");
#endif
}

TEST(Runner, Hang) {
  const RunResult result = RunPlanted("hang", "", {"run_hang_cpu_max=300ms"});
  EXPECT_EQ(FailureOf(result).kind, "hang");
  EXPECT_NE(FailureOf(result).text.find("while events went on"), std::string::npos);
  EXPECT_LT(result.simulated, TimeFromNanoseconds(0) + Seconds(10));
}

TEST(Runner, HangWithinOneEvent) {
  const RunResult result = RunPlanted("spin", "", {"run_hang_cpu_max=300ms"});
  EXPECT_EQ(FailureOf(result).kind, "hang");
  EXPECT_NE(FailureOf(result).text.find("within one event"), std::string::npos);
}

TEST(Runner, AnEndThatLooksWell) {
  const RunFailure failure = FailureOf(RunPlanted("exit"));
  EXPECT_EQ(failure.kind, "crash");
  EXPECT_EQ(failure.text, "exit code 0 before the end of the run");
}

#if !__has_feature(address_sanitizer)  // It has an accounting of memory of its own.
TEST(Runner, MemoryWithoutEnd) {
  const RunFailure failure =
      FailureOf(RunPlanted("memory", "", {"run_memory_bytes_max=200000000"}));
  EXPECT_EQ(failure.kind, "crash");
  EXPECT_NE(failure.text.find("std::bad_alloc"), std::string::npos) << failure.text;
}

TEST(Runner, LostTask) {
  const RunFailure failure = FailureOf(RunPlanted("leak"));
  EXPECT_EQ(failure.kind, "leak");
}
#endif

TEST(Runner, LostReservation) {
  const RunFailure failure = FailureOf(RunPlanted("budget"));
  EXPECT_EQ(failure.kind, "invariant");
  EXPECT_NE(failure.text.find("memory_budget"), std::string::npos);
}

TEST(Runner, APlanReplaysToTheSameHash) {
  const Scenario scenario = PingScenario(PingToml("none", "", "") +
                                         "[faults]\nkinds = [\"network\", \"process\", \"clock\"]\n"
                                         "mean_interval = \"500ms\"\n");
  const PingSystem system;
  int with_faults = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const RunResult drawn = RunScenario(system, scenario, seed);
    EXPECT_TRUE(drawn.passed()) << Summary(drawn) << "\n" << drawn.diagnosis;
    const RunRequest request = {
        .system = system, .scenario = scenario, .seed = seed, .plan = drawn.plan};
    ASSERT_TRUE(ValidateRequest(request, "plan").ok());
    const RunResult replayed = RunIsolated(request);
    EXPECT_EQ(replayed.hash, drawn.hash) << seed;
    EXPECT_EQ(replayed.plan, drawn.plan) << seed;
    EXPECT_EQ(replayed.faults, drawn.faults) << seed;
    with_faults += drawn.faults.empty() ? 0 : 1;
  }
  EXPECT_GT(with_faults, 5) << "most seeds break something";
}

TEST(Runner, WhatAnOracleSawIsTold) {
  const RunResult result = RunPlanted("none", "answers_min = 1000000");
  const RunFailure failure = FailureOf(result);
  EXPECT_EQ(failure.kind, "check");
  EXPECT_EQ(failure.event, result.notes - result.metrics.size()) << "then they are counted";
  ASSERT_EQ(failure.evidence.nodes.size(), 2u);
  EXPECT_EQ(failure.evidence.nodes[0].client, 1);
  EXPECT_EQ(failure.evidence.nodes[0].ordinal, 0);
  EXPECT_EQ(failure.evidence.nodes[1].client, -1);
  const std::string text = DescribeOutcome(result);
  EXPECT_NE(text.find("evidence:\n  [1] ping of client 1  (ping, client 1, operation 0)\n"
                      "        -> [2]  waited for\n  [2] no answer\n"),
            std::string::npos)
      << text;
  EXPECT_NE(ToJson(result, "").find("\"edges\":[{\"from\":0,\"to\":1,\"label\":\"waited for\"}]"),
            std::string::npos)
      << ToJson(result, "");
}

TEST(Evidence, StaysWithAStatusInOtherWordsAndIsNeverOfAnOkOne) {
  const Evidence evidence = {.nodes = {{.label = "a \xff"}, {.label = "b"}},
                             .edges = {{.from = 1, .to = 0, .label = "after"}}};
  const absl::Status status = WithEvidence(Error(ErrorCode::check_failed, "why"), evidence);
  EXPECT_EQ(CodeOf(status), ErrorCode::check_failed);
  const absl::Status wrapped = CopyEvidence(status, Error(ErrorCode::check_failed, "part: why"));
  ASSERT_TRUE(EvidenceOf(wrapped).has_value());
  EXPECT_EQ(DescribeEvidence(*EvidenceOf(wrapped)), DescribeEvidence(evidence));
  EXPECT_FALSE(EvidenceOf(Error(ErrorCode::check_failed, "why")).has_value());
  EXPECT_FALSE(EvidenceOf(WithEvidence(absl::OkStatus(), evidence)).has_value());
  EXPECT_FALSE(EvidenceOf(CopyEvidence(status, absl::OkStatus())).has_value());
  EXPECT_FALSE(EvidenceOf(WithEvidence(Error(ErrorCode::check_failed), {})).has_value());
  EXPECT_FALSE(DecodeEvidence("garbage").has_value());
}

TEST(Runner, AResultSurvivesItsWay) {
  RunResult result = RunPlanted("none");
  result.failures.push_back({.kind = "kind",
                             .text = "text \xff",
                             .time = TimeFromNanoseconds(5),
                             .event = 17,
                             .evidence = {.nodes = {{.label = "node"}}, .edges = {}}});
  const RecordedNote note = {.index = 1,
                             .time_ns = 2,
                             .happening = 3,
                             .entity = UINT64_MAX,
                             .a = 5,
                             .b = 6,
                             .hash_after = 7};
  result.comparison = {.same = 8,
                       .recorded = 9,
                       .end = RecordingEnd::kFull,
                       .divergence = Divergence{.before = {note}, .first = {}, .second = {note}}};
  result.metrics["negative"] = -5;
  const absl::StatusOr<RunResult> back = DecodeRunResult(EncodeRunResult(result));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(ToJson(*back, "again"), ToJson(result, "again"));
  EXPECT_EQ(DescribeDrawn(*back), DescribeDrawn(result));
  EXPECT_EQ(DescribeOutcome(*back), DescribeOutcome(result));
  ASSERT_TRUE(back->comparison.has_value() && back->comparison->divergence.has_value());
  EXPECT_EQ(back->comparison->same, 8u);
  EXPECT_EQ(back->comparison->recorded, 9u);
  EXPECT_EQ(back->comparison->end, RecordingEnd::kFull);
  EXPECT_TRUE(back->comparison->divergence->before.at(0).SameAs(note));
  EXPECT_TRUE(back->comparison->divergence->first.empty());
  EXPECT_EQ(back->comparison->divergence->second.at(0).hash_after, 7u);
}

}  // namespace
}  // namespace orrery::sim
