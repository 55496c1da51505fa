// Goal: runs side by side give what they give alone, whatever becomes of one of them; a run that is
// abandoned is gone, and what the machine refuses is told.
// Method: the ping system with defects, several at a time.
#include "sim/run/run_pool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "sim/run/real_time.h"
#include "sim/run/signature.h"
#include "sim/run/testing/child_processes.h"
#include "sim/run/testing/scenarios.h"

namespace orrery::sim {
namespace {

class RunPoolTest : public testing::Test {
 protected:
  RunRequest Request(const Scenario& scenario, uint64_t seed) {
    return {.system = system_, .scenario = scenario, .seed = seed};
  }

  // All that run, by ticket.
  std::map<uint64_t, RunResult> AwaitAll(RunPool& pool) {
    std::map<uint64_t, RunResult> results;
    while (pool.busy() > 0) {
      if (auto run = pool.Await(Seconds(1))) results[run->ticket] = std::move(run->result);
    }
    return results;
  }

  const PingSystem system_;
  const Scenario good_ = PingScenario(PingToml());
  const Scenario hang_ =
      PingScenario(PingToml("hang", "", "[knobs]\nrun_hang_cpu_max = \"300ms\"\n"));
};

TEST_F(RunPoolTest, RunsGiveWhatTheyGiveAlone) {
  const Scenario bad = PingScenario(PingToml("signal"));
  RunPool pool(4);
  ASSERT_TRUE(pool.Start(10, Request(good_, 1)).ok());
  ASSERT_TRUE(pool.Start(11, Request(bad, 2)).ok());
  ASSERT_TRUE(pool.Start(12, Request(hang_, 3)).ok());
  ASSERT_TRUE(pool.Start(13, Request(good_, 4)).ok());
  EXPECT_EQ(pool.busy(), pool.jobs());
  const std::map<uint64_t, RunResult> results = AwaitAll(pool);
  ASSERT_EQ(results.size(), 4u);
  EXPECT_TRUE(results.at(10).passed()) << results.at(10).failures.front().text;
  EXPECT_TRUE(results.at(13).passed());
  EXPECT_EQ(results.at(10).hash, RunScenario(system_, good_, 1).hash);
  EXPECT_EQ(results.at(13).hash, RunScenario(system_, good_, 4).hash);
  ASSERT_FALSE(results.at(11).passed());
  EXPECT_EQ(results.at(11).failures.front().kind, "crash");
  EXPECT_NE(results.at(11).diagnosis.find("Misbehave"), std::string::npos);
  ASSERT_FALSE(results.at(12).passed());
  EXPECT_EQ(results.at(12).failures.front().kind, "hang");
  // Where a run that stands still was ended depends on the machine; how far it had come does not.
  const RunResult alone = RunScenario(system_, hang_, 3);
  EXPECT_EQ(results.at(12).hash, alone.hash);
  EXPECT_EQ(results.at(12).events, alone.events);
}

TEST_F(RunPoolTest, AnAbandonedRunIsGone) {
  RunPool pool(2);
  ASSERT_TRUE(pool.Start(1, Request(hang_, 1)).ok());
  ASSERT_TRUE(pool.Start(2, Request(good_, 2)).ok());
  pool.Abandon(1);
  pool.Abandon(99);
  const std::map<uint64_t, RunResult> results = AwaitAll(pool);
  EXPECT_EQ(results.size(), 1u);
  EXPECT_TRUE(results.contains(2));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

TEST_F(RunPoolTest, APoolThatGoesTakesItsRunsAlong) {
  {
    RunPool pool(2);
    ASSERT_TRUE(pool.Start(1, Request(hang_, 1)).ok());
    ASSERT_TRUE(pool.Start(2, Request(hang_, 2)).ok());
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

TEST_F(RunPoolTest, ARunThatSomebodyKillsIsMadeAgain) {
  RunPool pool(2);
  ASSERT_TRUE(pool.Start(1, Request(hang_, 1)).ok());
  ASSERT_TRUE(pool.Start(2, Request(good_, 2)).ok());
  const std::vector<pid_t> first = ChildrenOf(getpid());
  ASSERT_EQ(first.size(), 2u);
  for (const pid_t child : first) ASSERT_EQ(kill(child, SIGKILL), 0);
  const std::map<uint64_t, RunResult> results = AwaitAll(pool);
  EXPECT_EQ(results.at(1).failures.front().kind, "hang");
  ASSERT_TRUE(results.at(2).passed()) << results.at(2).failures.front().text;
  EXPECT_EQ(results.at(2).hash, RunScenario(system_, good_, 2).hash);
}

TEST_F(RunPoolTest, ARunThatIsAlwaysKilledIsGivenAsSuch) {
  const Scenario killed = PingScenario(PingToml("killed"));
  RunPool pool(1);
  ASSERT_TRUE(pool.Start(1, Request(killed, 1)).ok());
  const std::map<uint64_t, RunResult> results = AwaitAll(pool);
  EXPECT_TRUE(WasKilled(results.at(1)));
  EXPECT_FALSE(WasKilled(RunScenario(system_, PingScenario(PingToml("signal")), 1)));
}

TEST_F(RunPoolTest, PatienceEnds) {
  RunPool pool(1);
  ASSERT_TRUE(pool.Start(1, Request(hang_, 1)).ok());
  const Duration begin = MonotonicNow();
  EXPECT_FALSE(pool.Await(Milliseconds(20)).has_value());
  EXPECT_GE(MonotonicNow() - begin, Milliseconds(20));
}

TEST_F(RunPoolTest, ASignalEndsTheWait) {
  const auto old = signal(SIGALRM, [](int) {});
  RunPool pool(1);
  ASSERT_TRUE(pool.Start(1, Request(PingScenario(PingToml("hang")), 1)).ok());
  // More than one: on a busy machine the first may come before the wait.
  const timeval in_20_ms = {.tv_sec = 0, .tv_usec = 20'000};
  const itimerval often = {.it_interval = in_20_ms, .it_value = in_20_ms};
  setitimer(ITIMER_REAL, &often, nullptr);
  const Duration begin = MonotonicNow();
  EXPECT_FALSE(pool.Await(Seconds(100)).has_value());
  EXPECT_LT(MonotonicNow() - begin, Seconds(50));
  const itimerval never = {};
  setitimer(ITIMER_REAL, &never, nullptr);
  signal(SIGALRM, old);
}

TEST_F(RunPoolTest, AFullTableOfFilesIsToldAndPasses) {
  RunPool pool(2);
  ASSERT_TRUE(pool.Start(1, Request(good_, 1)).ok());
  rlimit files{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  const int next = open("/dev/null", O_RDONLY);
  ASSERT_EQ(close(next), 0);
  // Room for one pipe of two.
  const rlimit few{.rlim_cur = static_cast<rlim_t>(next + 3), .rlim_max = files.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const absl::Status refused = pool.Start(2, Request(good_, 2));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  EXPECT_EQ(CodeOf(refused), ErrorCode::platform_error);
  EXPECT_EQ(refused.message(), "no pipe: Too many open files");
  ASSERT_TRUE(pool.Start(2, Request(good_, 2)).ok());
  EXPECT_EQ(AwaitAll(pool).size(), 2u);
}

TEST_F(RunPoolTest, ACheckedRunTellsWhereItCrashed) {
  const std::string file = WriteFile("pool_signal.toml", PingToml("signal"));
  const Scenario scenario = *LoadScenario(file, system_);
  RunPool pool(1);
  ASSERT_TRUE(
      pool.StartChecked(1, Request(scenario, 7), {"sim", "--scenario", file, "--seed", "7"}).ok());
  const std::map<uint64_t, RunResult> results = AwaitAll(pool);
  EXPECT_EQ(SignatureOf(results.at(1)), SignatureOf(RunScenario(system_, scenario, 7)));
}

TEST_F(RunPoolTest, ACheckedRunIsTheSameRunAndFindsADifference) {
  const std::string good = WriteFile("pool_good.toml", PingToml());
  const std::string clock = WriteFile("pool_clock.toml", PingToml("clock"));
  const Scenario same = *LoadScenario(good, system_);
  const Scenario differs = *LoadScenario(clock, system_);
  RunPool pool(2);
  ASSERT_TRUE(
      pool.StartChecked(1, Request(same, 7), {"sim", "--scenario", good, "--seed", "7"}).ok());
  ASSERT_TRUE(
      pool.StartChecked(2, Request(differs, 7), {"sim", "--scenario", clock, "--seed", "7"}).ok());
  const std::map<uint64_t, RunResult> results = AwaitAll(pool);
  ASSERT_TRUE(results.at(1).passed()) << results.at(1).failures.front().text;
  EXPECT_EQ(results.at(1).hash, RunScenario(system_, same, 7).hash);
  EXPECT_EQ(results.at(1).probes, RunScenario(system_, same, 7).probes);
  ASSERT_FALSE(results.at(2).passed());
  EXPECT_EQ(results.at(2).failures.front().kind, "nondeterminism");
}

}  // namespace
}  // namespace orrery::sim
