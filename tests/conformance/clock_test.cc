// Goal: the clock and the executor of every world keep the promises of core/async/clock.h,
// core/async/executor.h and core/async/sleep.h. Method: timers and nodes that note when they ran.
#include <algorithm>
#include <deque>
#include <vector>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "tests/conformance/conformance_world.h"

namespace orrery::conformance {
namespace {

class ClockTest : public ConformanceTest {};
INSTANTIATE_TEST_SUITE_P(Worlds, ClockTest, ::testing::ValuesIn(Worlds()), NameOfWorld);

// Appends its number to a list when it runs.
struct Noting : TimerNode {
  Noting(std::vector<int>& to, int n) : list(to), number(n) {
    run = [](ReadyNode* node) {
      Noting& self = *static_cast<Noting*>(node);
      self.list.push_back(self.number);
    };
  }
  std::vector<int>& list;
  const int number;
};

TEST_P(ClockTest, NeverWakesEarlyAndNeverGoesBack) {
  Run([](Env& env) -> Task<absl::Status> {
    Time last = env.clock().Now();
    for (const Duration d : {Duration(0), Duration(1), Duration(999), Microseconds(10),
                             Milliseconds(1), Milliseconds(3), Nanoseconds(1'234'567)}) {
      for (int round = 0; round < 5; ++round) {
        const Time start = env.clock().Now();
        EXPECT_GE(start, last);
        co_await Sleep(env.clock(), d);
        last = env.clock().Now();
        EXPECT_GE(last, start + d);
        co_await Sleep(env.clock(), last + d);
        EXPECT_GE(env.clock().Now(), last + d);
      }
    }
    co_return absl::OkStatus();
  });
}

TEST_P(ClockTest, ASleepOfNothingOrLessLetsOthersRun) {
  Run([](Env& env) -> Task<absl::Status> {
    for (const Duration d : {Duration(0), Duration(-1), Seconds(-5)}) {
      bool ran = false;
      TaskGroup group(env.executor(), ExpectNoError);
      group.Spawn("other", [](bool& flag) -> Task<absl::Status> {
        flag = true;
        co_return absl::OkStatus();
      }(ran));
      // Once to let it start, however the loop orders timers and ready tasks.
      for (int i = 0; i < 3 && !ran; ++i) co_await Sleep(env.clock(), d);
      EXPECT_TRUE(ran);
    }
    co_return absl::OkStatus();
  });
}

TEST_P(ClockTest, EarlierTimersComeFirst) {
  Run([](Env& env) -> Task<absl::Status> {
    std::vector<int> ran;
    std::deque<Noting> timers;
    Random& random = env.random("order");
    std::vector<int> order(100);
    for (int i = 0; i < 100; ++i) order[static_cast<size_t>(i)] = i;
    random.Shuffle(order.begin(), order.end());
    const Time start = env.clock().Now();
    for (const int i : order) {
      env.clock().Arm(timers.emplace_back(ran, i), start + Microseconds(10 * i));
      EXPECT_TRUE(timers.back().armed());
    }
    EXPECT_TRUE(ran.empty());  // Never inside Arm.
    co_await Sleep(env.clock(), start + Milliseconds(2));
    EXPECT_EQ(ran.size(), 100u);
    EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
    for (const Noting& timer : timers) EXPECT_FALSE(timer.armed());
    co_return absl::OkStatus();
  });
}

TEST_P(ClockTest, EqualTimersAllRunOnce) {
  Run([](Env& env) -> Task<absl::Status> {
    std::vector<int> ran;
    std::deque<Noting> timers;
    const Time due = env.clock().Now() + Milliseconds(1);
    for (int i = 0; i < 50; ++i) env.clock().Arm(timers.emplace_back(ran, i), due);
    co_await Sleep(env.clock(), due + Duration(1));
    std::sort(ran.begin(), ran.end());
    CO_ASSERT_TRUE(ran.size() == 50);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(ran[static_cast<size_t>(i)], i);
    co_return absl::OkStatus();
  });
}

TEST_P(ClockTest, PastTimersRunSoon) {
  Run([](Env& env) -> Task<absl::Status> {
    for (int round = 0; round < 50; ++round) {
      std::vector<int> ran;
      const Time now = env.clock().Now();
      Noting late(ran, 1);
      Noting later(ran, 2);
      env.clock().Arm(later, now - Duration(1));
      env.clock().Arm(late, now - Duration(2));
      EXPECT_TRUE(ran.empty());
      co_await Sleep(env.clock(), Duration(1));
      EXPECT_EQ(ran.size(), 2u);
    }
    co_return absl::OkStatus();
  });
}

// A timer that is armed in the past again and again keeps nobody else from running.
TEST_P(ClockTest, APastTimerArmedForEverStarvesNobody) {
  Run([](Env& env) -> Task<absl::Status> {
    struct Again : TimerNode {
      Clock* on = nullptr;
      Time past;
      int runs = 0;
    } again;
    again.on = &env.clock();
    again.past = env.clock().Now() - Milliseconds(5);
    again.run = [](ReadyNode* node) {
      Again& self = *static_cast<Again*>(node);
      if (++self.runs < 100'000) self.on->Arm(self, self.past);
    };
    std::vector<int> ran;
    Noting other(ran, 1);
    env.clock().Arm(other, env.clock().Now());
    env.clock().Arm(again, again.past);
    // Sleeping, not yielding: a simulated turn lasts as long as somebody is ready.
    while (ran.empty()) co_await Sleep(env.clock(), Duration::zero());
    EXPECT_LT(again.runs, 100'000);
    co_return absl::OkStatus();
  });
}

TEST_P(ClockTest, DisarmedAndDestroyedTimersDoNotRun) {
  Run([](Env& env) -> Task<absl::Status> {
    std::vector<int> ran;
    Noting disarmed(ran, 1);
    Noting again(ran, 2);
    const Time due = env.clock().Now() + Milliseconds(1);
    env.clock().Arm(disarmed, due);
    env.clock().Arm(again, due);
    {
      Noting destroyed(ran, 3);
      env.clock().Arm(destroyed, due);
    }
    env.clock().Disarm(disarmed);
    EXPECT_FALSE(disarmed.armed());
    env.clock().Disarm(again);
    env.clock().Arm(again, due);
    // Two that take each other out: one of them runs.
    struct Rival : TimerNode {
      Rival* other = nullptr;
      int runs = 0;
    } first, second;
    first.other = &second;
    second.other = &first;
    first.run = second.run = [](ReadyNode* node) {
      Rival& self = *static_cast<Rival*>(node);
      ++self.runs;
      if (self.other->armed()) self.other->clock->Disarm(*self.other);
    };
    env.clock().Arm(first, due);
    env.clock().Arm(second, due);
    co_await Sleep(env.clock(), due + Milliseconds(1));
    EXPECT_FALSE(first.armed() || second.armed());
    EXPECT_EQ(first.runs + second.runs, 1);
    EXPECT_EQ(ran, std::vector{2});
    co_return absl::OkStatus();
  });
}

Task<absl::Status> SleepAndNote(Env& env, Time until, int& woken) {
  co_await Sleep(env.clock(), until);
  ++woken;
  co_return absl::OkStatus();
}

TEST_P(ClockTest, SleepersAreCancelledWhereverTheyWait) {
  Run([](Env& env) -> Task<absl::Status> {
    int woken = 0;
    {
      TaskGroup group(env.executor(), ExpectNoError);
      const Time due = env.clock().Now() + Milliseconds(1);
      for (int i = 0; i < 10; ++i) group.Spawn("sleep", SleepAndNote(env, due, woken));
      group.Spawn("for ever", SleepAndNote(env, kNever, woken));
      co_await Yield();
      group.Cancel();
    }
    co_await Sleep(env.clock(), Milliseconds(3));
    EXPECT_EQ(woken, 0);
    co_return absl::OkStatus();
  });
}

TEST_P(ClockTest, ForEverIsNotNow) {
  Run([](Env& env) -> Task<absl::Status> {
    int woken = 0;
    TaskGroup group(env.executor(), ExpectNoError);
    group.Spawn("never", SleepAndNote(env, kNever, woken));
    group.Spawn("nearly never", SleepAndNote(env, kNever - Duration(1), woken));
    group.Spawn("in 250 years",
                SleepAndNote(env, After(env.clock().Now(), Seconds(7'900'000'000)), woken));
    co_await Sleep(env.clock(), Milliseconds(5));
    EXPECT_EQ(woken, 0);
    co_return absl::OkStatus();
  });
}

// Nodes that are ready while others make more ready.
struct Step : ReadyNode {
  Step(Env& e, std::vector<int>& to, int n) : env(e), list(to), number(n) {
    run = [](ReadyNode* node) {
      Step& self = *static_cast<Step*>(node);
      self.list.push_back(self.number);
      if (self.next != nullptr) self.env.executor().Post(*self.next);
    };
  }
  Env& env;
  std::vector<int>& list;
  const int number;
  Step* next = nullptr;
};

TEST_P(ClockTest, TurnEndComesAfterAllThatIsReady) {
  Run([](Env& env) -> Task<absl::Status> {
    for (int round = 0; round < 20; ++round) {
      std::vector<int> ran;
      Step first(env, ran, 1);
      Step second(env, ran, 2);
      Step third(env, ran, 3);
      Step end(env, ran, 9);
      Step after(env, ran, 10);
      first.next = &second;
      second.next = &third;
      end.next = &after;
      env.executor().AtTurnEnd(end);
      env.executor().Post(first);
      EXPECT_TRUE(ran.empty());  // Never inside Post.
      while (ran.size() < 5) co_await Sleep(env.clock(), Duration::zero());
      EXPECT_EQ(ran, (std::vector{1, 2, 3, 9, 10}));
    }
    co_return absl::OkStatus();
  });
}

TEST_P(ClockTest, NodesTakenOutOrDestroyedDoNotRun) {
  Run([](Env& env) -> Task<absl::Status> {
    std::vector<int> ran;
    Step stays(env, ran, 1);
    Step removed(env, ran, 2);
    Step end(env, ran, 3);
    Step last(env, ran, 4);
    env.executor().Post(removed);
    env.executor().Post(stays);
    env.executor().AtTurnEnd(end);
    env.executor().AtTurnEnd(last);
    {
      Step destroyed(env, ran, 5);
      Step destroyed_end(env, ran, 6);
      env.executor().Post(destroyed);
      env.executor().AtTurnEnd(destroyed_end);
    }
    removed.queue->Remove(removed);
    end.queue->Remove(end);
    EXPECT_FALSE(removed.queued() || end.queued());
    EXPECT_TRUE(stays.queued() && last.queued());
    co_await Sleep(env.clock(), Milliseconds(1));
    EXPECT_EQ(ran, (std::vector{1, 4}));
    co_return absl::OkStatus();
  });
}

Task<absl::Status> YieldAndNote(std::vector<int>& ran, int number) {
  for (int i = 0; i < 3; ++i) {
    ran.push_back(number);
    co_await Yield();
  }
  co_return absl::OkStatus();
}

TEST_P(ClockTest, YieldLetsOthersRun) {
  Run([](Env& env) -> Task<absl::Status> {
    std::vector<int> ran;
    TaskGroup group(env.executor(), ExpectNoError);
    for (int i = 0; i < 3; ++i) group.Spawn("yield", YieldAndNote(ran, i));
    EXPECT_TRUE(ran.empty());  // Never inside Spawn.
    co_await group.Join();
    EXPECT_EQ(ran.size(), 9u);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(std::count(ran.begin(), ran.end(), i), 3);
    co_return absl::OkStatus();
  });
}

TEST_P(ClockTest, TheWallClockIsAfterTheOrigin) {
  Run([](Env& env) -> Task<absl::Status> {
    const int64_t before = env.clock().WallMicros();
    co_await Sleep(env.clock(), Milliseconds(2));
    EXPECT_GE(before, 0);
    EXPECT_GT(env.clock().WallMicros(), before);
    co_return absl::OkStatus();
  });
}

}  // namespace
}  // namespace orrery::conformance
