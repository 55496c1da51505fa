// Goal: WhenAll, WhenAny, Timeout and Retry do what their headers promise. Method: small tasks on a
// ManualLoop that write a log; virtual time.
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "core/async/manual_loop.h"
#include "core/async/retry.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "core/async/when_all.h"
#include "core/async/when_any.h"

namespace orrery {
namespace {

using Log = std::vector<std::string>;

class CombinatorsTest : public testing::Test {
 public:
  // Runs `task` to its end.
  void Run(Task<absl::Status> task) {
    group.Spawn("test", std::move(task));
    loop.Run();
    EXPECT_EQ(group.size(), 0u);
  }

  struct OnDestroy {
    Log* log;
    std::string what;
    ~OnDestroy() { log->push_back(what); }
  };

  Task<int> Later(int x, Duration d) {
    log.push_back("start " + std::to_string(x));
    OnDestroy end{&log, "end " + std::to_string(x)};
    co_await Sleep(loop, d);
    log.push_back("done " + std::to_string(x));
    co_return x;
  }
  Task<int> Now(int x) {
    log.push_back("now " + std::to_string(x));
    co_return x;
  }
  Task<> Nothing() { co_await Yield(); }
  Task<absl::StatusOr<int>> Slow(int x, Duration d) {
    OnDestroy end{&log, "end " + std::to_string(x)};
    co_await Sleep(loop, d);
    co_return x;
  }

  ManualLoop loop;
  Log log;
  Random random{42};
  TaskGroup group{loop, [](std::string_view, absl::Status s) { ADD_FAILURE() << Describe(s); }};
};

TEST_F(CombinatorsTest, WhenAllGivesAllInOrderOfArguments) {
  Run([](CombinatorsTest* t) -> Task<absl::Status> {
    auto [a, b, c] =
        co_await WhenAll(t->Later(1, Milliseconds(2)), t->Nothing(), t->Later(3, Milliseconds(1)));
    EXPECT_EQ(a, 1);
    EXPECT_EQ(b, std::monostate{});
    EXPECT_EQ(c, 3);
    co_return absl::OkStatus();
  }(this));
  EXPECT_EQ(log, (Log{"start 1", "start 3", "done 3", "end 3", "done 1", "end 1"}));
}

TEST_F(CombinatorsTest, WhenAllOfWhatIsReadyDoesNotSuspend) {
  group.Spawn("test", [](CombinatorsTest* t) -> Task<absl::Status> {
    auto [a, b] = co_await WhenAll(t->Now(1), t->Now(2));
    t->log.push_back(std::to_string(a + b));
    std::vector<Task<int>> none;
    EXPECT_TRUE((co_await WhenAll(std::move(none))).empty());
    co_return absl::OkStatus();
  }(this));
  loop.Step();
  EXPECT_EQ(log, (Log{"now 1", "now 2", "3"}));
}

TEST_F(CombinatorsTest, WhenAllOfAVector) {
  Run([](CombinatorsTest* t) -> Task<absl::Status> {
    std::vector<Task<int>> tasks;
    for (int i = 5; i > 0; --i) tasks.push_back(t->Later(i, Milliseconds(i)));
    EXPECT_EQ(co_await WhenAll(std::move(tasks)), (std::vector<int>{5, 4, 3, 2, 1}));
    co_return absl::OkStatus();
  }(this));
}

TEST_F(CombinatorsTest, WhenAllTakesFutures) {
  Promise<absl::Status> promise;
  group.Spawn("test", [](Future<absl::Status> f, CombinatorsTest* t) -> Task<absl::Status> {
    auto [a, b] = co_await WhenAll(std::move(f), t->Now(2));
    EXPECT_EQ(b, 2);
    t->log.push_back(Describe(a));
    co_return absl::OkStatus();
  }(promise.future(), this));
  loop.Run();
  promise.Set(absl::OkStatus());
  loop.Run();
  EXPECT_EQ(log, (Log{"now 2", "ok"}));
}

TEST_F(CombinatorsTest, WhenAnyDestroysLosersBeforeItGoesOn) {
  Run([](CombinatorsTest* t) -> Task<absl::Status> {
    auto use = [t](std::variant<int, int, int> first) {
      t->log.push_back("first " + std::to_string(first.index()));
      return std::get<1>(first);
    };
    // Within the full expression: the losers must not live as long as the awaiter does.
    EXPECT_EQ(use(co_await WhenAny(t->Later(1, Seconds(1)), t->Later(2, Milliseconds(1)),
                                   t->Later(3, Seconds(1)))),
              2);
    co_return absl::OkStatus();
  }(this));
  EXPECT_EQ(log,
            (Log{"start 1", "start 2", "start 3", "done 2", "end 2", "end 3", "end 1", "first 1"}));
  EXPECT_EQ(loop.Now(), TimeFromNanoseconds(1'000'000));
}

TEST_F(CombinatorsTest, WhenAnyStartsNoMoreOnceOneIsReady) {
  group.Spawn("test", [](CombinatorsTest* t) -> Task<absl::Status> {
    auto first = co_await WhenAny(t->Later(1, Seconds(1)), t->Now(2), t->Now(3));
    EXPECT_EQ(first.index(), 1u);
    t->log.push_back("on");
    std::vector<Task<int>> tasks;
    for (int i = 4; i < 7; ++i) tasks.push_back(t->Now(i));
    AnyResult<int> any = co_await WhenAny(std::move(tasks));
    EXPECT_EQ(any.index, 0u);
    EXPECT_EQ(any.value, 4);
    co_return absl::OkStatus();
  }(this));
  loop.Step();
  EXPECT_EQ(log, (Log{"start 1", "now 2", "end 1", "on", "now 4"}));
}

TEST_F(CombinatorsTest, WhenAnyKeepsTheFirstWhenTwoFinishInOneTurn) {
  Run([](CombinatorsTest* t) -> Task<absl::Status> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(t->Later(i, Milliseconds(i == 0 ? 2 : 1)));
    AnyResult<int> any = co_await WhenAny(std::move(tasks));
    EXPECT_EQ(any.index, 1u);
    EXPECT_EQ(any.value, 1);
    co_return absl::OkStatus();
  }(this));
}

TEST_F(CombinatorsTest, TimeoutGivesTheResultOrDestroysTheTask) {
  Run([](CombinatorsTest* t) -> Task<absl::Status> {
    auto use = [t](absl::StatusOr<int> in_time) {
      EXPECT_EQ(t->loop.pending(), 0u) << "the timer is still armed";
      return in_time.value();
    };
    EXPECT_EQ(use(co_await Timeout(t->loop, Milliseconds(2), t->Slow(1, Milliseconds(1)))), 1);
    auto late = co_await Timeout(t->loop, Milliseconds(2), t->Slow(2, Seconds(1)));
    t->log.push_back(Describe(late.status()));
    co_return absl::OkStatus();
  }(this));
  EXPECT_EQ(log,
            (Log{"end 1", "end 2", "timed_out (1004): the call did not finish within its time"}));
  EXPECT_EQ(loop.Now(), TimeFromNanoseconds(3'000'000));
}

TEST_F(CombinatorsTest, TimeoutWithoutEndAndWithoutTime) {
  Run([](CombinatorsTest* t) -> Task<absl::Status> {
    co_await Sleep(t->loop, Seconds(1));  // From here on, now + the longest Duration wraps around.
    EXPECT_TRUE((co_await Timeout(t->loop, Duration::max(), t->Slow(1, Seconds(8)))).ok());
    auto none = co_await Timeout(t->loop, Duration(-1), t->Slow(1, Seconds(9)));
    EXPECT_EQ(CodeOf(none.status()), ErrorCode::timed_out);
    auto at_once = []() -> Task<absl::Status> { co_return absl::OkStatus(); };
    co_return co_await Timeout(t->loop, Duration(0), at_once());
  }(this));
  EXPECT_EQ(loop.Now(), TimeFromNanoseconds(9'000'000'000));
}

// A clock whose only timer the test dispatches itself, also while other nodes are ready.
class HandClock final : public Clock {
 public:
  Time Now() const override { return Time(); }
  int64_t WallMicros() const override { return 0; }
  void Arm(TimerNode& node, Time due) noexcept override {
    node.due = due;
    node.clock = this;
    timer = &node;
  }
  void Disarm(TimerNode& node) noexcept override {
    node.clock = nullptr;
    timer = nullptr;
  }
  void Fire(Executor& executor) {
    TimerNode& node = *timer;
    Disarm(node);
    executor.Dispatch(node);
  }

  TimerNode* timer = nullptr;
};

TEST_F(CombinatorsTest, TheTimerAndTheEndInOneTurn) {
  for (const bool timer_first : {false, true}) {
    SCOPED_TRACE(timer_first);
    HandClock clock;
    Promise<absl::Status> promise;
    absl::Status got = Error(ErrorCode::internal_error);
    group.Spawn("test",
                [](HandClock* c, Future<absl::Status> f, absl::Status* out) -> Task<absl::Status> {
                  *out = co_await Timeout(*c, Seconds(1), std::move(f));
                  co_return absl::OkStatus();
                }(&clock, promise.future(), &got));
    loop.Run();
    promise.Set(absl::OkStatus());
    if (timer_first) {
      clock.Fire(loop);  // The branch is ready, but has not run.
      loop.Run();
    } else {
      loop.Step();  // The branch ends and posts the parent.
      clock.Fire(loop);
      loop.Run();
    }
    EXPECT_TRUE(got.ok()) << "a result that came in the same turn was dropped";
    EXPECT_EQ(clock.timer, nullptr);
    EXPECT_EQ(group.size(), 0u);
  }
}

TEST_F(CombinatorsTest, RetryEndsWithSuccessFatalErrorOrAttempts) {
  Run([](CombinatorsTest* t) -> Task<absl::Status> {
    int calls = 0;
    auto fail = [&calls](int successes_after, ErrorCode code) -> Task<absl::StatusOr<int>> {
      ++calls;
      co_await Yield();
      if (calls > successes_after) co_return calls;
      co_return Error(code);
    };
    RetryPolicy policy{.first_delay = Milliseconds(1), .attempts_max = 5};
    auto ok =
        co_await Retry(t->loop, t->random, policy, [&] { return fail(3, ErrorCode::overloaded); });
    EXPECT_EQ(ok.value(), 4);
    calls = 0;
    auto fatal =
        co_await Retry(t->loop, t->random, policy, [&] { return fail(3, ErrorCode::io_error); });
    EXPECT_EQ(CodeOf(fatal.status()), ErrorCode::io_error);
    EXPECT_EQ(calls, 1);
    calls = 0;
    auto given_up =
        co_await Retry(t->loop, t->random, policy, [&] { return fail(99, ErrorCode::overloaded); });
    EXPECT_EQ(CodeOf(given_up.status()), ErrorCode::overloaded);
    EXPECT_EQ(calls, 5);
    co_return absl::OkStatus();
  }(this));
}

TEST_F(CombinatorsTest, RetryWaitsGrowToTheCapWithFullJitter) {
  std::vector<Duration> longest(8);
  Run([](CombinatorsTest* t, std::vector<Duration>* waits) -> Task<absl::Status> {
    for (int round = 0; round < 500; ++round) {
      size_t attempt = 0;
      Time last = t->loop.Now();
      auto fail = [&]() -> Task<absl::Status> {
        if (attempt > 0) {
          Duration& wait = (*waits)[attempt - 1];
          wait = std::max(wait, t->loop.Now() - last);
        }
        last = t->loop.Now();
        ++attempt;
        co_return Error(ErrorCode::overloaded);
      };
      const absl::Status end = co_await Retry(
          t->loop, t->random,
          {.first_delay = Milliseconds(10), .delay_max = Milliseconds(100), .attempts_max = 9},
          fail);
      EXPECT_EQ(CodeOf(end), ErrorCode::overloaded);
    }
    co_return absl::OkStatus();
  }(this, &longest));
  const int64_t ceilings_ms[] = {10, 20, 40, 80, 100, 100, 100, 100};
  for (size_t i = 0; i < longest.size(); ++i) {
    EXPECT_LE(longest[i], Milliseconds(ceilings_ms[i]));
    EXPECT_GE(longest[i], Milliseconds(ceilings_ms[i]) * 9 / 10) << "500 draws came nowhere near";
  }
}

TEST_F(CombinatorsTest, RetryStopsAtTheDeadline) {
  Run([](CombinatorsTest* t) -> Task<absl::Status> {
    const Time deadline = t->loop.Now() + Seconds(2);
    auto fail = []() -> Task<absl::Status> { co_return Error(ErrorCode::overloaded); };
    const absl::Status end = co_await Retry(t->loop, t->random, {.deadline = deadline}, fail);
    EXPECT_EQ(CodeOf(end), ErrorCode::overloaded);
    EXPECT_LT(t->loop.Now(), deadline);
    EXPECT_GE(t->loop.Now(), deadline - Seconds(1));
    co_return absl::OkStatus();
  }(this));
}

}  // namespace
}  // namespace orrery
