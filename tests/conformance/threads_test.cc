// Goal: pools of every world keep the promises of core/env/threads.h. Method: works that note when
// they ran, and how many at once, and when they died.
#include <algorithm>
#include <atomic>
#include <vector>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "tests/conformance/conformance_world.h"

namespace orrery::conformance {
namespace {

class ThreadsTest : public ConformanceTest {};
INSTANTIATE_TEST_SUITE_P(Worlds, ThreadsTest, ::testing::ValuesIn(Worlds()), NameOfWorld);

constexpr Pool kOne{"one", 1};
constexpr Pool kThree{"three", 3};

// What happened to works.
struct Seen {
  std::atomic<int> made{0};
  std::atomic<int> begun{0};
  std::atomic<int> running{0};
  std::atomic<int> running_max{0};
  std::atomic<int> destroyed{0};
  std::vector<int> order;  // Written by a pool of one thread.
};

struct Noting final : Threads::Work {
  Noting(Seen& s, int n) : seen(s), number(n) { ++seen.made; }
  ~Noting() override { ++seen.destroyed; }
  void Run() override {
    ++seen.begun;
    const int now = ++seen.running;
    int most = seen.running_max;
    while (now > most && !seen.running_max.compare_exchange_weak(most, now)) continue;
    result = number * number;
    --seen.running;
  }
  Seen& seen;
  const int number;
  int result = -1;
};

struct Appending final : Threads::Work {
  Appending(Seen& s, int n) : seen(s), number(n) {}
  void Run() override { seen.order.push_back(number); }
  Seen& seen;
  const int number;
};

Task<absl::Status> RunNoting(Env& env, Pool pool, Seen& seen, int number) {
  const std::unique_ptr<Threads::Work> work =
      co_await env.threads().Run(pool, std::make_unique<Noting>(seen, number));
  CO_ASSERT_TRUE(work != nullptr);
  EXPECT_EQ(static_cast<Noting&>(*work).number, number);
  EXPECT_EQ(static_cast<Noting&>(*work).result, number * number);
  co_return absl::OkStatus();
}

Task<absl::Status> RunAppending(Env& env, Seen& seen, int number) {
  (void)co_await env.threads().Run(kOne, std::make_unique<Appending>(seen, number));
  co_return absl::OkStatus();
}

TEST_P(ThreadsTest, WorkIsRunOnceAndGivenBack) {
  Seen seen;
  Run([&seen](Env& env) -> Task<absl::Status> {
    for (int i = 0; i < 20; ++i) CO_ASSERT_OK(co_await RunNoting(env, kOne, seen, i));
    EXPECT_EQ(seen.begun, 20);
    EXPECT_EQ(seen.destroyed, 20);
    co_return absl::OkStatus();
  });
}

TEST_P(ThreadsTest, APoolOfOneKeepsTheOrderOfArrival) {
  Seen seen;
  Run([&seen](Env& env) -> Task<absl::Status> {
    TaskGroup group(env.executor(), ExpectNoError);
    for (int i = 0; i < 200; ++i) {
      group.Spawn("append", RunAppending(env, seen, i));
      // Each arrives before the next: the order of ready tasks is not promised.
      co_await Sleep(env.clock(), Duration::zero());
      if (i % 3 == 0) co_await Sleep(env.clock(), Microseconds(i));
    }
    co_await group.Join();
    EXPECT_EQ(seen.order.size(), 200u);
    EXPECT_TRUE(std::is_sorted(seen.order.begin(), seen.order.end()));
    co_return absl::OkStatus();
  });
}

TEST_P(ThreadsTest, SideBySideButNotMoreThanThePoolHas) {
  for (const Pool& pool : {kOne, kThree}) {
    Seen seen;
    Run([&seen, pool](Env& env) -> Task<absl::Status> {
      TaskGroup group(env.executor(), ExpectNoError);
      for (int i = 0; i < 300; ++i) group.Spawn("work", RunNoting(env, pool, seen, i));
      co_await group.Join();
      EXPECT_EQ(seen.begun, 300);
      EXPECT_LE(seen.running_max, pool.threads);
      co_return absl::OkStatus();
    });
    EXPECT_EQ(seen.destroyed, 300);
  }
}

TEST_P(ThreadsTest, AnIdlePoolServesWhileAnotherIsBusy) {
  Seen busy;
  Seen idle;
  Run([&](Env& env) -> Task<absl::Status> {
    TaskGroup group(env.executor(), ExpectNoError);
    for (int i = 0; i < 500; ++i) group.Spawn("busy", RunNoting(env, kOne, busy, i));
    co_await Yield();
    CO_ASSERT_OK(co_await RunNoting(env, kThree, idle, 7));
    co_await group.Join();
    EXPECT_EQ(busy.begun, 500);
    co_return absl::OkStatus();
  });
}

// Given up before, while and after they run: each is destroyed, none runs twice, and the pool still
// has all its threads.
TEST_P(ThreadsTest, AbandonedWorkIsDestroyedOnTheLoop) {
  Seen seen;
  Run([&seen](Env& env) -> Task<absl::Status> {
    for (int round = 0; round < 100; ++round) {
      TaskGroup group(env.executor(), ExpectNoError);
      for (int i = 0; i < 5; ++i) group.Spawn("work", RunNoting(env, kThree, seen, i));
      for (int i = 0; i < 3; ++i) group.Spawn("work", RunNoting(env, kOne, seen, i));
      co_await Sleep(env.clock(), Microseconds(4 * round));
      group.Cancel();
    }
    CO_ASSERT_OK(co_await RunNoting(env, kThree, seen, 1));
    CO_ASSERT_OK(co_await RunNoting(env, kOne, seen, 1));
    while (seen.destroyed < seen.made) co_await Sleep(env.clock(), Milliseconds(1));
    EXPECT_LE(seen.begun, seen.made);
    EXPECT_LE(seen.running_max, kOne.threads + kThree.threads);
    co_return absl::OkStatus();
  });
  EXPECT_EQ(seen.destroyed, seen.made);
}

TEST_P(ThreadsTest, WorkOfAProcessThatDiesIsDestroyed) {
  Seen seen;
  Run([this, &seen](Env& env) -> Task<absl::Status> {
    TaskGroup group(env.executor(), ExpectNoError);
    for (int i = 0; i < 50; ++i) group.Spawn("work", RunNoting(env, kThree, seen, i));
    co_await Yield();
    world->KillSoon();
    co_return co_await WaitForDeath(env);
  });
  EXPECT_EQ(seen.destroyed, seen.made);
  EXPECT_EQ(seen.running, 0);
  Run([&seen](Env& env) { return RunNoting(env, kThree, seen, 3); });
}

}  // namespace
}  // namespace orrery::conformance
