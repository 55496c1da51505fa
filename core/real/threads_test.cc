// Goal: pools keep the promises of core/env/threads.h, also when tasks and Envs are destroyed at
// awkward moments. Method: work that waits for the test, and that says where it ran and died.
#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "core/real/testing/real_test.h"

namespace orrery::real {
namespace {

using ThreadsTest = RealTest;

constexpr Pool kOne{"one", 1};
constexpr Pool kThree{"three", 3};

struct Seen {
  std::atomic<bool> ran{false};
  std::atomic<bool> destroyed{false};
  std::thread::id ran_on;
  std::thread::id destroyed_on;
};

// Notes what happens to it; waits for `gate` when it has one.
struct Noting final : Threads::Work {
  explicit Noting(Seen& s, std::shared_future<void> g = {}) : seen(s), gate(std::move(g)) {}
  ~Noting() override {
    seen.destroyed_on = std::this_thread::get_id();
    seen.destroyed = true;
  }
  void Run() override {
    seen.ran_on = std::this_thread::get_id();
    seen.ran = true;
    if (gate.valid()) gate.wait();
    result = 42;
  }
  Seen& seen;
  std::shared_future<void> gate;
  int result = 0;
};

TEST_F(ThreadsTest, RunsElsewhereAndGivesTheWorkBack) {
  Seen seen;
  EXPECT_TRUE(Run([&seen](Env& env) -> Task<absl::Status> {
                auto work = co_await env.threads().Run(kOne, std::make_unique<Noting>(seen));
                EXPECT_EQ(static_cast<Noting&>(*work).result, 42);
                co_return absl::OkStatus();
              }).ok());
  EXPECT_NE(seen.ran_on, std::this_thread::get_id());
  EXPECT_EQ(seen.destroyed_on, std::this_thread::get_id());
}

Task<absl::Status> RunOne(Env& env, Pool pool, std::unique_ptr<Threads::Work> work) {
  (void)co_await env.threads().Run(pool, std::move(work));
  co_return absl::OkStatus();
}

TEST_F(ThreadsTest, KeepsOrderOnOneThreadAndUsesSeveral) {
  struct Append final : Threads::Work {
    Append(std::vector<int>& o, int v) : order(o), value(v) {}
    void Run() override { order.push_back(value); }
    std::vector<int>& order;
    int value;
  };
  // Two that wait for each other need two threads.
  struct Meet final : Threads::Work {
    Meet(std::promise<void>& m, std::promise<void>& o) : mine(m), other(o) {}
    void Run() override {
      mine.set_value();
      other.get_future().wait();
    }
    std::promise<void>& mine;
    std::promise<void>& other;
  };
  std::vector<int> order;
  std::promise<void> a;
  std::promise<void> b;
  EXPECT_TRUE(Run([&](Env& env) -> Task<absl::Status> {
                TaskGroup group(env.executor(), [](std::string_view, absl::Status) {});
                for (int i = 0; i < 100; ++i) {
                  group.Spawn("append", RunOne(env, kOne, std::make_unique<Append>(order, i)));
                }
                group.Spawn("meet", RunOne(env, kThree, std::make_unique<Meet>(a, b)));
                group.Spawn("meet", RunOne(env, kThree, std::make_unique<Meet>(b, a)));
                co_await group.Join();
                co_return absl::OkStatus();
              }).ok());
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(ThreadsTest, AbandonedWorkEndsAndDiesOnTheLoop) {
  Seen running;
  Seen waiting;
  std::promise<void> gate;
  const std::shared_future<void> open = gate.get_future().share();
  EXPECT_TRUE(Run([&](Env& env) -> Task<absl::Status> {
                TaskGroup group(env.executor(), [](std::string_view, absl::Status) {});
                group.Spawn("run", RunOne(env, kOne, std::make_unique<Noting>(running, open)));
                group.Spawn("wait", RunOne(env, kOne, std::make_unique<Noting>(waiting)));
                while (!running.ran) co_await Yield();
                group.Cancel();
                EXPECT_FALSE(running.destroyed);
                gate.set_value();
                while (!running.destroyed || !waiting.destroyed) co_await Yield();
                co_return absl::OkStatus();
              }).ok());
  EXPECT_EQ(running.destroyed_on, std::this_thread::get_id());
  EXPECT_EQ(waiting.destroyed_on, std::this_thread::get_id());
  EXPECT_FALSE(waiting.ran);
}

TEST_F(ThreadsTest, DestroyedBetweenEndAndResumption) {
  Seen seen;
  EXPECT_TRUE(Run([&seen](Env& env) -> Task<absl::Status> {
                // Each round gives up at another moment around the work's end.
                for (int round = 0; round < 200; ++round) {
                  (void)co_await Timeout(env.clock(), Microseconds(round),
                                         RunOne(env, kThree, std::make_unique<Noting>(seen)));
                }
                co_return absl::OkStatus();
              }).ok());
}

TEST_F(ThreadsTest, EnvDestructionWaitsForWorkThatBegan) {
  Seen seen;
  std::promise<void> gate;
  std::thread opener;
  EXPECT_TRUE(Run([&](Env& env) -> Task<absl::Status> {
                TaskGroup group(env.executor(), [](std::string_view, absl::Status) {});
                group.Spawn(
                    "run",
                    RunOne(env, kOne, std::make_unique<Noting>(seen, gate.get_future().share())));
                while (!seen.ran) co_await Yield();
                opener = std::thread([&gate] { gate.set_value(); });
                co_return absl::OkStatus();
              }).ok());
  EXPECT_TRUE(seen.destroyed);
  EXPECT_EQ(seen.destroyed_on, std::this_thread::get_id());
  opener.join();
}

}  // namespace
}  // namespace orrery::real
