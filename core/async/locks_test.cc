// Goal: Notify, Mutex, Semaphore and Stream do what their headers promise when nobody is destroyed
// (destroy_test.cc has the rest). Method: small tasks on a ManualLoop that write a log.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "core/async/manual_loop.h"
#include "core/async/mutex.h"
#include "core/async/notify.h"
#include "core/async/semaphore.h"
#include "core/async/sleep.h"
#include "core/async/stream.h"
#include "core/async/task_group.h"

namespace orrery {
namespace {

using Log = std::vector<std::string>;

class LocksTest : public testing::Test {
 public:
  void Spawn(Task<absl::Status> task) { group.Spawn("t", std::move(task)); }

  ManualLoop loop;
  Log log;
  Notify notify;
  Mutex mutex;
  Semaphore semaphore{3};
  Stream<int> stream{2};
  TaskGroup group{loop, [](std::string_view, absl::Status s) { ADD_FAILURE() << Describe(s); }};
};

TEST_F(LocksTest, NotifyWakesInOrderAndNeverInline) {
  auto wait = [](LocksTest* t, std::string who) -> Task<absl::Status> {
    co_await t->notify.Wait();
    t->log.push_back(who);
    co_return absl::OkStatus();
  };
  for (const char* who : {"a", "b", "c", "d"}) Spawn(wait(this, who));
  notify.NotifyOne();  // Nobody waits yet: gone.
  loop.Run();
  EXPECT_EQ(log, Log{});
  notify.NotifyOne();
  EXPECT_EQ(log, Log{});
  loop.Run();
  EXPECT_EQ(log, Log{"a"});
  notify.NotifyAll();
  loop.Run();
  EXPECT_EQ(log, (Log{"a", "b", "c", "d"}));
  EXPECT_FALSE(notify.has_waiters());
}

TEST_F(LocksTest, AFreeMutexIsTakenWithoutSuspending) {
  Spawn([](LocksTest* t) -> Task<absl::Status> {
    auto guard = co_await t->mutex.Lock();
    EXPECT_TRUE(t->mutex.locked());
    guard.Unlock();
    EXPECT_FALSE(t->mutex.locked());
    guard = co_await t->mutex.Lock();
    co_return absl::OkStatus();
  }(this));
  EXPECT_TRUE(loop.Step());
  EXPECT_FALSE(mutex.locked());
}

TEST_F(LocksTest, TheMutexIsFair) {
  auto lock = [](LocksTest* t, std::string who) -> Task<absl::Status> {
    for (int i = 0; i < 2; ++i) {
      auto guard = co_await t->mutex.Lock();
      t->log.push_back(who);
      co_await Yield();
    }
    co_return absl::OkStatus();
  };
  for (const char* who : {"a", "b", "c"}) Spawn(lock(this, who));
  loop.Run();
  EXPECT_EQ(log, (Log{"a", "b", "c", "a", "b", "c"}));
}

TEST_F(LocksTest, ALargeRequestIsNotOvertaken) {
  auto take = [](LocksTest* t, uint64_t n) -> Task<absl::Status> {
    auto units = co_await t->semaphore.Acquire(n);
    EXPECT_EQ(units.count(), n);
    t->log.push_back(std::to_string(n));
    co_await Yield();
    co_return absl::OkStatus();
  };
  for (uint64_t n : {2, 3, 1}) Spawn(take(this, n));
  for (int i = 0; i < 3; ++i) loop.Step();
  EXPECT_EQ(log, Log{"2"});
  EXPECT_EQ(semaphore.TryAcquire(1).has_value(), false) << "one unit is free, but others wait";
  loop.Run();
  EXPECT_EQ(log, (Log{"2", "3", "1"}));
  EXPECT_TRUE(semaphore.TryAcquire(3).has_value());
  EXPECT_EQ(semaphore.free(), 3u);
}

TEST_F(LocksTest, TheHeadOfTheLineLeavesAndOthersMoveUp) {
  auto units = semaphore.TryAcquire(2);
  TaskGroup large(loop, [](std::string_view, absl::Status) {});
  auto take = [](LocksTest* t, uint64_t n) -> Task<absl::Status> {
    auto mine = co_await t->semaphore.Acquire(n);
    t->log.push_back(std::to_string(n));
    co_return absl::OkStatus();
  };
  large.Spawn("3", take(this, 3));
  Spawn(take(this, 1));
  loop.Run();
  EXPECT_EQ(log, Log{});
  large.Cancel();
  loop.Run();
  EXPECT_EQ(log, Log{"1"});
}

TEST_F(LocksTest, ReleasedUnitsMayOutliveTheSemaphore) {
  std::optional<Semaphore::Units> units;
  {
    Semaphore short_lived(1);
    units = short_lived.TryAcquire(1);
    units->Release();
  }
  EXPECT_EQ(units->count(), 0u);
}

TEST_F(LocksTest, AStreamIsBoundedAndDrainsAfterClose) {
  EXPECT_TRUE(stream.TrySend(1));
  EXPECT_TRUE(stream.TrySend(2));
  EXPECT_FALSE(stream.TrySend(3));
  auto put = [](LocksTest* t, int item) -> Task<absl::Status> {
    const bool accepted = co_await t->stream.Send(item);
    t->log.push_back((accepted ? "sent " : "refused ") + std::to_string(item));
    co_return absl::OkStatus();
  };
  for (int item : {3, 4}) Spawn(put(this, item));
  loop.Run();
  EXPECT_EQ(log, Log{});
  Spawn([](LocksTest* t) -> Task<absl::Status> {
    EXPECT_EQ(co_await t->stream.Next(), 1);
    t->stream.Close();  // 3 has moved up; 4 is refused.
    EXPECT_EQ(co_await t->stream.Next(), 2);
    EXPECT_EQ(co_await t->stream.Next(), 3);
    EXPECT_EQ(co_await t->stream.Next(), std::nullopt);
    co_return absl::OkStatus();
  }(this));
  loop.Run();
  EXPECT_EQ(group.size(), 0u);
  EXPECT_EQ(log, (Log{"sent 3", "refused 4"}));
  EXPECT_FALSE(stream.TrySend(5));
}

TEST_F(LocksTest, CloseWakesTheConsumer) {
  Spawn([](LocksTest* t) -> Task<absl::Status> {
    EXPECT_EQ(co_await t->stream.Next(), std::nullopt);
    co_return absl::OkStatus();
  }(this));
  loop.Run();
  EXPECT_EQ(group.size(), 1u);
  stream.Close();
  stream.Close();
  loop.Run();
  EXPECT_EQ(group.size(), 0u);
}

TEST_F(LocksTest, AnItemOutlivesTheConsumerItWoke) {
  TaskGroup first(loop, [](std::string_view, absl::Status) {});
  auto consume = [](LocksTest* t) -> Task<absl::Status> {
    std::optional<int> item = co_await t->stream.Next();
    t->log.push_back(std::to_string(*item));
    co_return absl::OkStatus();
  };
  first.Spawn("consumer", consume(this));
  loop.Run();
  EXPECT_TRUE(stream.TrySend(7));
  first.Cancel();  // Between wake and resumption.
  Spawn(consume(this));
  loop.Run();
  EXPECT_EQ(log, Log{"7"});
}

using LocksDeathTest = LocksTest;

TEST_F(LocksDeathTest, AskingForMoreThanThereIsAborts) {
  EXPECT_DEATH((void)semaphore.Acquire(4), "count <= units_max_ .*4, 3");
}

TEST_F(LocksDeathTest, AHeldMutexIsNotDestroyed) {
  EXPECT_DEATH(
      {
        TaskGroup holders(loop, [](std::string_view, absl::Status) {});
        Mutex held;
        holders.Spawn("holder", [](Mutex* m) -> Task<absl::Status> {
          auto guard = co_await m->Lock();
          co_await Yield();
          co_return absl::OkStatus();
        }(&held));
        loop.Step();
      },
      "!locked_");
}

}  // namespace
}  // namespace orrery
