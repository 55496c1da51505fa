// Goal: tasks destroyed at any suspension point, also between wake and resumption, leak nothing,
// leave no node queued, and take no lock, unit, notification or item from the survivors.
// Method: scenarios of a few actors, each in a group of its own. For k = 0, 1, 2, ... and every set
// of actors, a fresh run makes k steps, destroys that set, and lets the rest come to an end; then
// the scenario's own check, and everything is destroyed and counted.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/async/manual_loop.h"
#include "core/async/mutex.h"
#include "core/async/notify.h"
#include "core/async/retry.h"
#include "core/async/semaphore.h"
#include "core/async/sleep.h"
#include "core/async/stream.h"
#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "core/async/when_all.h"
#include "core/async/when_any.h"

namespace orrery {
namespace {

using Actors = std::vector<Task<absl::Status>>;

class Scenario {
 public:
  virtual ~Scenario() = default;
  virtual Actors MakeActors() = 0;

  // Called when nothing is left to run. By default every survivor must have come to its end.
  virtual void Check(unsigned destroyed, const std::vector<bool>& ended) {
    for (size_t i = 0; i < ended.size(); ++i) {
      if ((destroyed >> i & 1) == 0) EXPECT_TRUE(ended[i]) << "actor " << i << " hangs";
    }
  }
  // Tokens that lie outside of any frame, by right.
  virtual int TokensOutside() { return 0; }
  // Called when every actor is gone.
  virtual bool AtRest() { return true; }

  // Counts what lives in frames: put one into every coroutine.
  struct Token {
    explicit Token(Scenario* s) : scenario(s) { ++scenario->tokens; }
    Token(const Token& other) : Token(other.scenario) {}
    ~Token() { --scenario->tokens; }
    Scenario* scenario;
  };
  Token token() { return Token(this); }

  ManualLoop loop;
  int tokens = 0;
};

// Returns false when the scenario had come to an end before `steps` steps.
bool RunOnce(Scenario& scenario, int steps, unsigned destroyed) {
  std::vector<std::unique_ptr<TaskGroup>> groups;
  for (Task<absl::Status>& actor : scenario.MakeActors()) {
    groups.push_back(std::make_unique<TaskGroup>(
        scenario.loop, [](std::string_view, absl::Status s) { ADD_FAILURE() << Describe(s); }));
    groups.back()->Spawn("actor", std::move(actor));
  }
  bool more = true;
  for (int i = 0; i < steps && more; ++i) more = scenario.loop.Step();
  for (size_t i = groups.size(); i-- > 0;) {
    if (destroyed >> i & 1) groups[i]->Cancel();
  }
  int left = 10'000;
  while (--left > 0 && scenario.loop.Step()) {
  }
  EXPECT_GT(left, 0) << "the survivors never come to rest";
  std::vector<bool> ended;
  for (const auto& group : groups) ended.push_back(group->size() == 0);
  scenario.Check(destroyed, ended);
  while (!groups.empty()) groups.pop_back();
  EXPECT_EQ(scenario.loop.pending(), 0u) << "a node of a destroyed task is still queued";
  EXPECT_EQ(scenario.tokens, scenario.TokensOutside()) << "a frame leaked, or was destroyed twice";
  EXPECT_TRUE(scenario.AtRest());
  return more;
}

template <class S>
void DestroyEverywhere(unsigned actors) {
  bool more = true;
  int steps = 0;
  for (; more; ++steps) {
    for (unsigned destroyed = 0; destroyed < 1u << actors; ++destroyed) {
      SCOPED_TRACE("after step " + std::to_string(steps) + ", set " + std::to_string(destroyed));
      S scenario;
      more = RunOnce(scenario, steps, destroyed);
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(steps, 5) << "the scenario does nothing";
}

// Four actors share a lock twice, held across a yield, a sleep and a nested task.
struct MutexScenario : Scenario {
  Task<> Critical(Token) {
    EXPECT_FALSE(inside);
    struct Inside {
      explicit Inside(bool* f) : flag(f) { *flag = true; }
      ~Inside() { *flag = false; }
      bool* flag;
    } now_inside(&inside);
    co_await Yield();
    co_await Sleep(loop, Milliseconds(1));
  }
  Task<absl::Status> Actor(Token) {
    for (int round = 0; round < 2; ++round) {
      auto guard = co_await mutex.Lock();
      co_await Critical(token());
    }
    co_return absl::OkStatus();
  }
  Actors MakeActors() override {
    Actors actors;
    for (int i = 0; i < 4; ++i) actors.push_back(Actor(token()));
    return actors;
  }
  bool AtRest() override { return !mutex.locked() && !inside; }

  Mutex mutex;
  bool inside = false;
};
TEST(DestroyEverywhere, Mutex) { DestroyEverywhere<MutexScenario>(4); }

// Requests of different sizes; one actor asks for everything, and releases early.
struct SemaphoreScenario : Scenario {
  Task<absl::Status> Actor(uint64_t count, Token) {
    for (int round = 0; round < 2; ++round) {
      auto units = co_await semaphore.Acquire(count);
      EXPECT_LE(in_use += count, 4u);
      struct Leave {
        ~Leave() { *in_use -= count; }
        uint64_t* in_use;
        uint64_t count;
      };
      {
        Leave leave{&in_use, count};
        co_await Sleep(loop, Milliseconds(static_cast<int64_t>(count)));
      }
      units.Release();
      co_await Yield();
    }
    co_return absl::OkStatus();
  }
  Actors MakeActors() override {
    Actors actors;
    for (uint64_t count : {2, 4, 1, 3}) actors.push_back(Actor(count, token()));
    return actors;
  }
  bool AtRest() override { return semaphore.free() == 4 && in_use == 0; }

  Semaphore semaphore{4};
  uint64_t in_use = 0;
};
TEST(DestroyEverywhere, Semaphore) { DestroyEverywhere<SemaphoreScenario>(4); }

// One actor makes things and notifies one each time; three take them.
struct NotifyScenario : Scenario {
  Task<absl::Status> Maker(Token) {
    for (int i = 0; i < 4; ++i) {
      ++things;
      changed.NotifyOne();
      if (i % 2 == 1) co_await Sleep(loop, Milliseconds(1));
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Taker(Token) {
    for (int i = 0; i < 2; ++i) {
      while (things == 0) co_await changed.Wait();
      --things;
    }
    co_return absl::OkStatus();
  }
  Actors MakeActors() override {
    Actors actors;
    for (int i = 0; i < 3; ++i) actors.push_back(Taker(token()));
    actors.push_back(Maker(token()));
    return actors;
  }
  void Check(unsigned destroyed, const std::vector<bool>& ended) override {
    if (things == 0) return;
    for (size_t i = 0; i < 3; ++i) {
      if ((destroyed >> i & 1) == 0) EXPECT_TRUE(ended[i]) << "waits although there is something";
    }
  }
  bool AtRest() override { return !changed.has_waiters(); }

  Notify changed;
  int things = 0;
};
TEST(DestroyEverywhere, Notify) { DestroyEverywhere<NotifyScenario>(4); }

// NotifyAll: three wait for a flag that the fourth sets.
struct NotifyAllScenario : Scenario {
  Task<absl::Status> Waiter(Token) {
    while (!flag) co_await changed.Wait();
    co_return absl::OkStatus();
  }
  Task<absl::Status> Setter(Token) {
    co_await Sleep(loop, Milliseconds(1));
    flag = true;
    changed.NotifyAll();
    co_await Yield();
    co_return absl::OkStatus();
  }
  Actors MakeActors() override {
    Actors actors;
    for (int i = 0; i < 3; ++i) actors.push_back(Waiter(token()));
    actors.push_back(Setter(token()));
    return actors;
  }
  void Check(unsigned destroyed, const std::vector<bool>& ended) override {
    if (flag) Scenario::Check(destroyed, ended);
  }

  Notify changed;
  bool flag = false;
};
TEST(DestroyEverywhere, NotifyAll) { DestroyEverywhere<NotifyAllScenario>(4); }

// Two senders, and two consumers who take turns under a lock: what is accepted is delivered once
// and in each sender's order, whoever dies.
struct StreamScenario : Scenario {
  struct Item {
    int sender;
    int number;
    Token token;
  };
  Task<absl::Status> Sender(int who, Token) {
    ++open;
    struct Leave {
      ~Leave() {
        if (--s->open == 0) s->stream.Close();
      }
      StreamScenario* s;
    } leave{this};
    for (int i = 0; i < 3; ++i) {
      const bool accepted = co_await stream.Send(Item{who, i, token()});
      if (!accepted) break;
      sent[who] = i + 1;
      if (i == 1) co_await Yield();
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Consumer(Token) {
    auto guard = co_await turn.Lock();
    while (std::optional<Item> item = co_await stream.Next()) {
      EXPECT_EQ(item->number, received[item->sender]) << "lost, doubled or out of order";
      received[item->sender] = item->number + 1;
      co_await Yield();
    }
    co_return absl::OkStatus();
  }
  Actors MakeActors() override {
    Actors actors;
    actors.push_back(Consumer(token()));
    actors.push_back(Sender(0, token()));
    actors.push_back(Sender(1, token()));
    actors.push_back(Consumer(token()));
    return actors;
  }
  void Check(unsigned destroyed, const std::vector<bool>&) override {
    const bool consumed = (destroyed & 0b1001) != 0b1001;
    for (int who : {0, 1}) {
      // A sender destroyed when its item had been taken in does not know it.
      const int known = sent[who];
      if (consumed) EXPECT_GE(received[who], known) << "an accepted item was lost";
      EXPECT_LE(received[who], known + 1);
    }
  }
  int TokensOutside() override { return static_cast<int>(stream.size()); }
  bool AtRest() override { return !turn.locked(); }

  Mutex turn;
  Stream<Item> stream{2};
  int open = 0;
  int sent[2] = {};
  int received[2] = {};
};
TEST(DestroyEverywhere, Stream) { DestroyEverywhere<StreamScenario>(4); }

// Futures: a giver and a taker, with the value, and with a promise that breaks.
struct FutureScenario : Scenario {
  using Value = absl::StatusOr<std::shared_ptr<Token>>;
  Task<absl::Status> Give(Promise<Value> promise, Token) {
    co_await Sleep(loop, Milliseconds(1));
    promise.Set(std::make_shared<Token>(token()));
    co_await Yield();
    co_return absl::OkStatus();
  }
  Task<absl::Status> Take(Future<Value> future, Token) {
    co_await Yield();
    Value value = co_await std::move(future);
    if (!value.ok()) EXPECT_EQ(CodeOf(value.status()), ErrorCode::broken_promise);
    co_await Yield();
    co_return absl::OkStatus();
  }
  Actors MakeActors() override {
    Actors actors;
    for (int i = 0; i < 2; ++i) {
      Promise<Value> promise;
      actors.push_back(Take(promise.future(), token()));
      actors.push_back(Give(std::move(promise), token()));
    }
    return actors;
  }
};
TEST(DestroyEverywhere, Future) { DestroyEverywhere<FutureScenario>(4); }

// Groups within tasks: children, grandchildren, a joiner and a CancelSoon from inside.
struct GroupScenario : Scenario {
  static TaskGroup::ErrorSink Sink() {
    return [](std::string_view, absl::Status s) { ADD_FAILURE() << Describe(s); };
  }
  Task<absl::Status> Leaf(Token) {
    co_await Sleep(loop, Milliseconds(1));
    auto guard = co_await mutex.Lock();
    co_await Yield();
    co_return absl::OkStatus();
  }
  Task<absl::Status> Branch(Token) {
    TaskGroup group(loop, Sink());
    group.Spawn("leaf", Leaf(token()));
    Future<absl::Status> done = group.Start("leaf", Leaf(token()));
    co_return co_await std::move(done);  // The first leaf dies with the group, or has ended.
  }
  Task<absl::Status> Cancelled(TaskGroup* group, Token) {
    co_await Yield();
    group->CancelSoon();
    co_await Sleep(loop, Seconds(1));
    ADD_FAILURE() << "outlived its cancellation";
    co_return absl::OkStatus();
  }
  Task<absl::Status> Root(Token) {
    TaskGroup group(loop, Sink());
    group.Spawn("branch", Branch(token()));
    group.Spawn("branch", Branch(token()));
    co_await group.Join();
    TaskGroup short_lived(loop, Sink());
    short_lived.Spawn("leaf", Leaf(token()));
    short_lived.Spawn("cancelled", Cancelled(&short_lived, token()));
    co_await short_lived.Join();
    co_return absl::OkStatus();
  }
  Actors MakeActors() override {
    Actors actors;
    actors.push_back(Root(token()));
    actors.push_back(Root(token()));
    return actors;
  }
  bool AtRest() override { return !mutex.locked(); }

  Mutex mutex;
};
TEST(DestroyEverywhere, Groups) { DestroyEverywhere<GroupScenario>(2); }

// Nests: locks and units under Timeout, WhenAny and WhenAll, retried.
struct NestScenario : Scenario {
  Task<absl::Status> Hold(Duration d, Token) {
    auto guard = co_await mutex.Lock();
    auto units = co_await semaphore.Acquire(1);
    co_await Sleep(loop, d);
    co_return absl::OkStatus();
  }
  Task<absl::Status> Take(uint64_t count, Token) {
    auto units = co_await semaphore.Acquire(count);
    co_await Yield();
    co_return absl::OkStatus();
  }
  Task<> Pause(Duration d, Token) { co_await Sleep(loop, d); }
  Task<absl::Status> Attempt(Token) {
    // Times that meet: the lock is granted in the same turn in which the time is over.
    co_return co_await Timeout(loop, Milliseconds(2), Hold(Milliseconds(1), token()));
  }
  Task<absl::Status> Actor(Token) {
    auto [held, taken, paused] =
        co_await WhenAll(Retry(loop, random, {.first_delay = Milliseconds(1), .attempts_max = 4},
                               [this] { return Attempt(token()); }),
                         Take(2, token()), Pause(Milliseconds(1), token()));
    EXPECT_TRUE(held.ok() || CodeOf(held) == ErrorCode::timed_out);
    EXPECT_TRUE(taken.ok());
    auto first = co_await WhenAny(Hold(Milliseconds(1), token()), Pause(Milliseconds(1), token()),
                                  Hold(Milliseconds(1), token()));
    EXPECT_LT(first.index(), 3u);
    std::vector<Task<absl::Status>> tasks;
    for (uint64_t count : {1, 2}) tasks.push_back(Take(count, token()));
    AnyResult<absl::Status> any = co_await WhenAny(std::move(tasks));
    EXPECT_TRUE(any.value.ok());
    co_return absl::OkStatus();
  }
  Actors MakeActors() override {
    Actors actors;
    for (int i = 0; i < 3; ++i) actors.push_back(Actor(token()));
    return actors;
  }
  bool AtRest() override { return !mutex.locked() && semaphore.free() == 2; }

  Random random{7};
  Mutex mutex;
  Semaphore semaphore{2};
};
TEST(DestroyEverywhere, Nests) { DestroyEverywhere<NestScenario>(3); }

// The harness can fail: an awaiter that forgets what it was handed is seen.
struct ForgetfulScenario : Scenario {
  Task<absl::Status> Keeper(Token) {
    co_await Sleep(loop, Milliseconds(1));
    kept = new Token(this);
    co_await Sleep(loop, Milliseconds(1));
    delete kept;  // Not done when destroyed in between.
    kept = nullptr;
    co_return absl::OkStatus();
  }
  Actors MakeActors() override {
    Actors actors;
    actors.push_back(Keeper(token()));
    return actors;
  }
  Token* kept = nullptr;
};
TEST(DestroyEverywhere, SeesALeak) {
  bool seen = false;
  bool more = true;
  for (int steps = 0; more; ++steps) {
    ForgetfulScenario scenario;
    std::vector<std::unique_ptr<TaskGroup>> groups;
    TaskGroup group(scenario.loop, GroupScenario::Sink());
    for (auto& actor : scenario.MakeActors()) group.Spawn("keeper", std::move(actor));
    for (int i = 0; i < steps && more; ++i) more = scenario.loop.Step();
    group.Cancel();
    seen |= scenario.tokens != 0;
    delete scenario.kept;
  }
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace orrery
