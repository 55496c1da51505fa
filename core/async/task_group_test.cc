// Goal: tasks in a group start, end, fail and are destroyed as task_group.h promises.
// Method: a ManualLoop, small tasks that write a log of what happened.
#include "core/async/task_group.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/async/manual_loop.h"
#include "core/async/sleep.h"

namespace orrery {
namespace {

class TaskGroupTest : public testing::Test {
 protected:
  TaskGroup::ErrorSink Sink() {
    return [this](std::string_view task, absl::Status status) {
      log.push_back(std::string(task) + " failed: " + Describe(status));
    };
  }

  struct OnDestroy {
    std::vector<std::string>* log;
    std::string what;
    ~OnDestroy() { log->push_back(what); }
  };

  Task<absl::Status> SleepThenLog(Duration d, std::string what) {
    OnDestroy end{&log, "end of " + what};
    co_await Sleep(loop, d);
    log.push_back(what);
    co_return absl::OkStatus();
  }

  Task<absl::Status> Fail(ErrorCode code) {
    co_await Yield();
    co_return Error(code);
  }

  ManualLoop loop;
  std::vector<std::string> log;
};

TEST_F(TaskGroupTest, RunsInOrderOfTime) {
  TaskGroup group(loop, Sink());
  group.Spawn("b", SleepThenLog(Milliseconds(2), "b"));
  group.Spawn("a", SleepThenLog(Milliseconds(1), "a"));
  EXPECT_TRUE(log.empty());
  loop.Run();
  EXPECT_EQ(log, (std::vector<std::string>{"a", "end of a", "b", "end of b"}));
  EXPECT_EQ(group.size(), 0u);
  EXPECT_EQ(loop.Now(), TimeFromNanoseconds(2'000'000));
}

TEST_F(TaskGroupTest, DestroysNewestFirst) {
  {
    TaskGroup group(loop, Sink());
    group.Spawn("a", SleepThenLog(Seconds(1), "a"));
    group.Spawn("b", SleepThenLog(Seconds(1), "b"));
    loop.RunFor(Milliseconds(1));
  }
  EXPECT_EQ(log, (std::vector<std::string>{"end of b", "end of a"}));
  loop.Run();
  EXPECT_EQ(log.size(), 2u);
}

TEST_F(TaskGroupTest, ReportsErrorsOnce) {
  TaskGroup group(loop, Sink());
  group.Spawn("f", Fail(ErrorCode::io_error));
  loop.Run();
  EXPECT_EQ(log, (std::vector<std::string>{"f failed: io_error (1510): a disk operation failed"}));
}

TEST_F(TaskGroupTest, CancelSoonFromInside) {
  TaskGroup group(loop, Sink());
  group.Spawn("a", SleepThenLog(Seconds(1), "a"));
  group.Spawn("c", [](TaskGroup& g) -> Task<absl::Status> {
    g.CancelSoon();
    co_return absl::OkStatus();
  }(group));
  loop.Run();
  EXPECT_EQ(log, (std::vector<std::string>{"end of a"}));
  EXPECT_TRUE(group.closing());
}

TEST_F(TaskGroupTest, CancelMemberDestroysOne) {
  TaskGroup group(loop, Sink());
  group.Spawn("a", SleepThenLog(Milliseconds(2), "a"));
  TaskGroup::Member* const b = group.Spawn("b", SleepThenLog(Milliseconds(2), "b"));
  group.Spawn("c", SleepThenLog(Milliseconds(2), "c"));
  loop.RunFor(Milliseconds(1));
  ASSERT_NE(b, nullptr);
  group.CancelMember(*b);
  EXPECT_EQ(log, (std::vector<std::string>{"end of b"}));
  loop.Run();
  EXPECT_EQ(log, (std::vector<std::string>{"end of b", "a", "end of a", "c", "end of c"}));
}

TEST_F(TaskGroupTest, StartGivesAFuture) {
  TaskGroup group(loop, Sink());
  absl::StatusOr<int> got = Error(ErrorCode::internal_error);
  group.Spawn("parent", [](TaskGroup& g, absl::StatusOr<int>* out) -> Task<absl::Status> {
    auto child = [](int x) -> Task<absl::StatusOr<int>> {
      co_await Yield();
      co_return x + 1;
    };
    *out = co_await g.Start("child", child(41));
    co_return absl::OkStatus();
  }(group, &got));
  loop.Run();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(*got, 42);
}

TEST_F(TaskGroupTest, ADroppedPromiseBreaks) {
  TaskGroup group(loop, Sink());
  Promise<absl::Status> promise;
  group.Spawn("wait", [](Future<absl::Status> f) -> Task<absl::Status> {
    co_return co_await std::move(f);
  }(promise.future()));
  loop.Run();
  EXPECT_TRUE(log.empty());
  { Promise<absl::Status> dropped = std::move(promise); }
  loop.Run();
  ASSERT_EQ(log.size(), 1u);
  EXPECT_NE(log[0].find("broken_promise"), std::string::npos);
}

TEST_F(TaskGroupTest, JoinWaitsForAll) {
  TaskGroup group(loop, Sink());
  TaskGroup outer(loop, Sink());
  group.Spawn("a", SleepThenLog(Milliseconds(5), "a"));
  outer.Spawn("join", [](TaskGroup& g, std::vector<std::string>* l) -> Task<absl::Status> {
    co_await g.Join();
    l->push_back("joined");
    co_return absl::OkStatus();
  }(group, &log));
  loop.Run();
  EXPECT_EQ(log, (std::vector<std::string>{"a", "end of a", "joined"}));
}

// Between the joiner's wake and its resumption the group dies.
TEST_F(TaskGroupTest, AJoinerMayOutliveItsGroup) {
  TaskGroup outer(loop, Sink());
  {
    TaskGroup group(loop, Sink());
    group.Spawn("a", SleepThenLog(Seconds(1), "a"));
    outer.Spawn("join", [](TaskGroup& g, std::vector<std::string>* l) -> Task<absl::Status> {
      co_await g.Join();
      l->push_back("joined");
      co_return absl::OkStatus();
    }(group, &log));
    loop.RunFor(Milliseconds(1));
  }
  loop.Run();
  EXPECT_EQ(log, (std::vector<std::string>{"end of a", "joined"}));
}

TEST_F(TaskGroupTest, SpawningOnAClosingGroupDestroysTheTask) {
  TaskGroup group(loop, Sink());
  group.Cancel();
  Future<absl::Status> result = group.Start("late", SleepThenLog(Seconds(1), "late"));
  EXPECT_TRUE(result.ready());
  EXPECT_EQ(group.size(), 0u);
  EXPECT_EQ(loop.pending(), 0u);
}

using TaskGroupDeathTest = TaskGroupTest;

// A task resets the pointer that owns its group, in its own frame or in one beneath.
Task<absl::Status> DestroyIt(std::unique_ptr<TaskGroup>* group) {
  co_await Yield();
  group->reset();
  co_return absl::OkStatus();
}
Task<absl::Status> DestroyItDeeper(std::unique_ptr<TaskGroup>* group) {
  co_return co_await DestroyIt(group);
}

TEST_F(TaskGroupDeathTest, AMemberThatDestroysItsGroupAborts) {
  auto group = std::make_unique<TaskGroup>(loop, Sink());
  group->Spawn("suicide", DestroyItDeeper(&group));
  EXPECT_DEATH(loop.Run(), "a task destroys the group it runs in.*suicide");
  group.reset();
}

// The same from a group that a member of the destroyed group owns.
TEST_F(TaskGroupDeathTest, AGrandchildThatDestroysItsAncestorsGroupAborts) {
  auto group = std::make_unique<TaskGroup>(loop, Sink());
  group->Spawn("parent",
               [](ManualLoop* l, std::unique_ptr<TaskGroup>* outer) -> Task<absl::Status> {
                 TaskGroup inner(*l, [](std::string_view, absl::Status) {});
                 inner.Spawn("grandchild", DestroyIt(outer));
                 co_await Sleep(*l, Seconds(1));
                 co_return absl::OkStatus();
               }(&loop, &group));
  EXPECT_DEATH(loop.Run(), "a task destroys the group it runs in.*grandchild");
  group.reset();
}

}  // namespace
}  // namespace orrery
