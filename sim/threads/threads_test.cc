// Goal: InlineThreads keeps the promises of core/env/threads.h: order, limit, abandonment, fence.
// Method: works that write down when they run and when they are destroyed, on a bare loop.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/async/task_group.h"
#include "core/base/status.h"
#include "sim/threads/inline_threads.h"

namespace orrery::sim {
namespace {

constexpr Pool kOne{"one", 1};
constexpr Pool kThree{"three", 3};

struct Log {
  std::vector<int> ran;
  std::vector<Time> times;
  int destroyed = 0;
};

class Note final : public Threads::Work {
 public:
  Note(Log& log, Timeline& timeline, int id) : log_(log), timeline_(timeline), id_(id) {}
  ~Note() override { ++log_.destroyed; }
  void Run() override {
    log_.ran.push_back(id_);
    log_.times.push_back(timeline_.Now());
  }
  int id() const { return id_; }

 private:
  Log& log_;
  Timeline& timeline_;
  const int id_;
};

struct World {
  explicit World(uint64_t seed) : timeline(seed), loop(timeline, 1, {}), threads(loop) {
    group.emplace(loop, [](std::string_view, absl::Status status) { FAIL() << Describe(status); });
  }
  ~World() { Kill(); }

  void Kill() {
    loop.Fence();
    threads.Fence();
    group->Cancel();
  }
  void Run() {
    while (timeline.Step()) {
    }
  }
  TaskGroup::Member* Spawn(const Pool& pool, int id) {
    return group->Spawn("work", Await(this, threads.Run(pool, MakeWork(id)), id));
  }
  std::unique_ptr<Threads::Work> MakeWork(int id) {
    return std::make_unique<Note>(log, timeline, id);
  }
  static Task<absl::Status> Await(World* world, Task<std::unique_ptr<Threads::Work>> work, int id) {
    const std::unique_ptr<Threads::Work> done = co_await std::move(work);
    EXPECT_EQ(static_cast<Note*>(done.get())->id(), id);
    world->ended.push_back(id);
    co_return absl::OkStatus();
  }

  Timeline timeline;
  Loop loop;
  Log log;
  std::vector<int> ended;
  InlineThreads threads;
  std::optional<TaskGroup> group;
};

TEST(InlineThreads, OneThreadRunsWorksInOrderOfArrivalOneAfterTheOther) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    World world(seed);
    world.Spawn(kOne, 0);
    world.timeline.Step();
    for (int i = 1; i < 5; ++i) {
      world.Spawn(kOne, i);
      world.timeline.Step();
    }
    EXPECT_TRUE(world.log.ran.empty());
    world.Run();
    EXPECT_EQ(world.log.ran, (std::vector<int>{0, 1, 2, 3, 4}));
    EXPECT_EQ(world.ended, world.log.ran);
    for (size_t i = 1; i < 5; ++i) {
      EXPECT_GE(world.log.times[i] - world.log.times[i - 1], WorkTimes::Draw(seed).median / 2);
    }
    EXPECT_EQ(world.log.destroyed, 5);
  }
}

TEST(InlineThreads, AsManyWorksAsThreadsAreUnderWayAndTheirOrderIsTheSeeds) {
  std::set<std::vector<int>> orders;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    World world(seed);
    for (int i = 0; i < 4; ++i) {
      world.Spawn(kThree, i);
      world.timeline.Step();
    }
    world.Run();
    ASSERT_EQ(world.log.ran.size(), 4u);
    EXPECT_NE(world.log.ran.front(), 3) << "the fourth began before a thread was free";
    orders.insert(std::vector<int>(world.log.ran.begin(), world.log.ran.begin() + 3));
  }
  EXPECT_GT(orders.size(), 10u);
}

TEST(InlineThreads, ThePoolNeedNotOutliveTheCall) {
  World world(1);
  auto pool = std::make_unique<Pool>(Pool{"short-lived", 1});
  auto task = world.threads.Run(*pool, world.MakeWork(0));
  pool.reset();
  world.group->Spawn("work", World::Await(&world, std::move(task), 0));
  world.Run();
  EXPECT_EQ(world.ended, (std::vector<int>{0}));
}

TEST(InlineThreads, WorkOfATaskThatIsNeverAwaitedDoesNotRun) {
  World world(1);
  { auto task = world.threads.Run(kOne, world.MakeWork(0)); }
  world.Run();
  EXPECT_TRUE(world.log.ran.empty());
  EXPECT_EQ(world.log.destroyed, 1);
}

TEST(InlineThreads, AbandonedWorkThatWaitsIsDestroyedAndThatUnderWayKeepsItsThread) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    World world(seed);
    std::vector<TaskGroup::Member*> members;
    for (int i = 0; i < 4; ++i) {
      members.push_back(world.Spawn(kOne, i));
      world.timeline.Step();
    }
    world.group->CancelMember(*members[1]);
    EXPECT_EQ(world.log.destroyed, 1);
    world.group->CancelMember(*members[0]);
    EXPECT_EQ(world.log.destroyed, 1);
    world.Run();
    EXPECT_EQ(world.log.ran, (std::vector<int>{0, 2, 3}));
    EXPECT_EQ(world.ended, (std::vector<int>{2, 3}));
    EXPECT_GE(world.log.times[1] - world.log.times[0], WorkTimes::Draw(seed).median / 2);
    EXPECT_EQ(world.log.destroyed, 4);
  }
}

TEST(InlineThreads, AfterAFenceNothingRunsAndAllIsDestroyed) {
  for (int steps = 0; steps < 10; ++steps) {
    World world(1);
    for (int i = 0; i < 4; ++i) world.Spawn(kThree, i);
    TaskGroup::Member* given_up = world.Spawn(kOne, 4);
    world.timeline.Step();  // All begin or wait.
    world.group->CancelMember(*given_up);
    for (int i = 0; i < steps; ++i) world.timeline.Step();
    const size_t ran = world.log.ran.size();
    world.Kill();
    EXPECT_EQ(world.log.destroyed, 5);
    EXPECT_FALSE(world.timeline.Step());
    EXPECT_EQ(world.log.ran.size(), ran);
  }
}

TEST(InlineThreads, EachWorldHasTimesOfItsOwn) {
  const auto time = [](uint64_t seed) {
    World world(seed);
    for (int i = 0; i < 20; ++i) world.Spawn(kOne, i);
    world.Run();
    return world.timeline.Now() - Time{};
  };
  std::set<Duration> medians;
  std::set<bool> tails;
  Duration least = Duration::max();
  Duration most{};
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const WorkTimes times = WorkTimes::Draw(seed);
    medians.insert(times.median);
    tails.insert(times.tail_max > Duration{});
    const Duration taken = time(seed);
    EXPECT_GE(taken, times.median * 10);
    least = std::min(least, taken);
    most = std::max(most, taken);
  }
  EXPECT_GT(medians.size(), 40u);
  EXPECT_EQ(tails.size(), 2u);
  EXPECT_GT(most, least * 20);
}

TEST(InlineThreads, TheSameSeedGivesTheSameHash) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    uint64_t first = 0;
    for (const bool again : {false, true}) {
      World world(seed);
      for (int i = 0; i < 10; ++i) world.Spawn(kThree, i);
      world.Run();
      if (again) EXPECT_EQ(world.timeline.hash(), first);
      first = world.timeline.hash();
    }
    hashes.insert(first);
  }
  EXPECT_EQ(hashes.size(), 10u);
}

}  // namespace
}  // namespace orrery::sim
