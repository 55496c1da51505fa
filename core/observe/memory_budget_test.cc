// Goal: a budget never gives more than its limit, gives it in order of arrival, and gets everything
// back whatever is destroyed when. Method: scripted cases, and random programs of tasks that are
// destroyed at any step, checked against the limit after each. --gtest_random_seed sets the seed.
#include "core/observe/memory_budget.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/async/manual_loop.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/base/random.h"

namespace orrery {
namespace {

using Reservation = MemoryBudget::Reservation;

TEST(MemoryBudgetTest, TryReserve) {
  MemoryBudget budget(100);
  std::optional<Reservation> a = budget.TryReserve(60);
  ASSERT_TRUE(a.has_value());
  EXPECT_FALSE(budget.TryReserve(41).has_value());
  EXPECT_FALSE(budget.TryReserve(UINT64_MAX).has_value());
  Reservation b = *budget.TryReserve(40);
  EXPECT_EQ(budget.used_bytes(), 100u);
  a.reset();
  EXPECT_EQ(budget.used_bytes(), 40u);
  EXPECT_TRUE(b.TryGrow(60));
  EXPECT_FALSE(b.TryGrow(1));
  EXPECT_FALSE(b.TryGrow(UINT64_MAX));
  b.Shrink(99);
  EXPECT_EQ(b.bytes(), 1u);
  Reservation c = std::move(b);
  Reservation empty;
  EXPECT_FALSE(empty.TryGrow(1));
  c = std::move(empty);
  EXPECT_EQ(budget.used_bytes(), 0u);
  EXPECT_EQ(budget.peak_bytes(), 100u);
  EXPECT_EQ(budget.limit_bytes(), 100u);
}

TEST(MemoryBudgetTest, Parts) {
  MemoryBudget whole(100);
  MemoryBudget reads(80, whole);
  MemoryBudget writes(80, whole);
  std::optional<Reservation> r = reads.TryReserve(70);
  EXPECT_FALSE(reads.TryReserve(11).has_value());   // Its own limit.
  EXPECT_FALSE(writes.TryReserve(31).has_value());  // The whole's.
  EXPECT_EQ(writes.used_bytes(), 0u);
  Reservation w = *writes.TryReserve(30);
  EXPECT_EQ(whole.used_bytes(), 100u);
  r.reset();
  EXPECT_EQ(whole.used_bytes(), 30u);
  EXPECT_EQ(reads.used_bytes(), 0u);
}

TEST(MemoryBudgetDeathTest, LeaksAndMisuse) {
  EXPECT_DEATH(
      {
        MemoryBudget budget(10);
        static_cast<void>(new Reservation(*budget.TryReserve(3)));
      },
      "INVARIANT failed: used_bytes_ == 0");
  EXPECT_DEATH(
      {
        MemoryBudget budget(10);
        Reservation r = *budget.TryReserve(3);
        r.Shrink(4);
      },
      "INVARIANT failed: bytes <= bytes_");
}

// A loop on which tasks reserve and say what they got.
class Scene {
 public:
  // Reserves `bytes`, notes `name`, holds it for `hold`.
  std::unique_ptr<TaskGroup> Start(MemoryBudget& budget, char name, uint64_t bytes, Duration hold) {
    auto group = std::make_unique<TaskGroup>(
        loop, [this](std::string_view, absl::Status status) { errors.push_back(status); });
    group->Spawn("reserve", Hold(this, &budget, name, bytes, hold));
    return group;
  }

  ManualLoop loop;
  std::string got;
  std::vector<absl::Status> errors;

 private:
  static Task<absl::Status> Hold(Scene* scene, MemoryBudget* budget, char name, uint64_t bytes,
                                 Duration hold) {
    CO_ASSIGN_OR_RETURN(const Reservation held, co_await budget->Reserve(bytes));
    EXPECT_EQ(held.bytes(), bytes);
    scene->got += name;
    co_await Sleep(scene->loop, hold);
    co_return absl::OkStatus();
  }
};

TEST(MemoryBudgetTest, FirstComeFirstServed) {
  Scene scene;
  MemoryBudget budget(100);
  auto a = scene.Start(budget, 'a', 80, Seconds(1));
  auto b = scene.Start(budget, 'b', 90, Seconds(1));
  auto c = scene.Start(budget, 'c', 10, Seconds(1));  // Would fit, and does not overtake.
  scene.loop.RunFor(Milliseconds(1));
  EXPECT_EQ(scene.got, "a");
  EXPECT_TRUE(budget.has_waiters());
  EXPECT_FALSE(budget.TryReserve(1).has_value());
  scene.loop.Run();
  EXPECT_EQ(scene.got, "abc");
  EXPECT_EQ(budget.used_bytes(), 0u);
  EXPECT_EQ(budget.peak_bytes(), 100u);
}

TEST(MemoryBudgetTest, TooMuchIsRefusedAtOnce) {
  Scene scene;
  MemoryBudget whole(100);
  MemoryBudget part(1000, whole);
  auto a = scene.Start(whole, 'a', 100, Seconds(1));
  auto b = scene.Start(part, 'b', 101, Seconds(1));
  scene.loop.RunFor(Milliseconds(1));
  ASSERT_EQ(scene.errors.size(), 1u);
  EXPECT_EQ(CodeOf(scene.errors[0]), ErrorCode::memory_limit);
  scene.loop.Run();
  EXPECT_EQ(scene.got, "a");
}

TEST(MemoryBudgetTest, DestroyedInLineLetsOthersUp) {
  Scene scene;
  MemoryBudget budget(100);
  auto a = scene.Start(budget, 'a', 80, Seconds(1));
  auto b = scene.Start(budget, 'b', 90, Seconds(1));
  auto c = scene.Start(budget, 'c', 10, Seconds(1));
  scene.loop.RunFor(Milliseconds(1));
  b.reset();
  scene.loop.RunFor(Milliseconds(1));
  EXPECT_EQ(scene.got, "ac");
}

TEST(MemoryBudgetTest, DestroyedBetweenGrantAndResumptionGivesBack) {
  Scene scene;
  MemoryBudget budget(100);
  std::optional<Reservation> held = budget.TryReserve(100);
  auto a = scene.Start(budget, 'a', 100, Seconds(1));
  auto b = scene.Start(budget, 'b', 100, Seconds(1));
  scene.loop.RunFor(Milliseconds(1));
  held.reset();  // Grants and posts a.
  EXPECT_EQ(budget.used_bytes(), 100u);
  a.reset();
  scene.loop.Run();
  EXPECT_EQ(scene.got, "b");
  EXPECT_EQ(budget.used_bytes(), 0u);
}

TEST(MemoryBudgetTest, AFullPartHoldsUpNobodyElse) {
  Scene scene;
  MemoryBudget whole(100);
  MemoryBudget reads(20, whole);
  auto a = scene.Start(reads, 'a', 20, Seconds(1));
  auto b = scene.Start(reads, 'b', 20, Seconds(1));
  auto c = scene.Start(whole, 'c', 80, Seconds(3));
  scene.loop.RunFor(Milliseconds(1));
  EXPECT_EQ(scene.got, "ac");
  scene.loop.RunFor(Seconds(1));
  EXPECT_EQ(scene.got, "acb");
}

TEST(MemoryBudgetTest, WhoWaitsAboveIsDestroyed) {
  Scene scene;
  MemoryBudget whole(100);
  MemoryBudget reads(50, whole);
  std::optional<Reservation> held = whole.TryReserve(100);
  auto a = scene.Start(reads, 'a', 50, Seconds(1));  // Counted in reads, waits for the whole.
  auto b = scene.Start(reads, 'b', 50, Seconds(1));  // Waits for reads.
  scene.loop.RunFor(Milliseconds(1));
  EXPECT_EQ(reads.used_bytes(), 50u);
  a.reset();
  EXPECT_EQ(reads.used_bytes(), 50u);  // Now b's.
  held.reset();
  scene.loop.Run();
  EXPECT_EQ(scene.got, "b");
  EXPECT_EQ(reads.used_bytes(), 0u);
}

TEST(MemoryBudgetTest, RandomProgramsWithDestructionAtAnyStep) {
  const auto seed = static_cast<uint64_t>(testing::UnitTest::GetInstance()->random_seed());
  SCOPED_TRACE(seed);
  for (uint64_t round = 0; round < 400; ++round) {
    Random random(HashWords(seed, round));
    Scene scene;
    MemoryBudget whole(100);
    MemoryBudget part(60, whole);
    MemoryBudget inner(30, part);
    MemoryBudget other(70, whole);
    MemoryBudget* const budgets[] = {&whole, &part, &inner, &other};
    std::vector<std::unique_ptr<TaskGroup>> tasks;
    for (int step = 0; step < 60; ++step) {
      if (random.Chance(OneIn(2))) {
        MemoryBudget& budget = *budgets[random.Below(4)];
        tasks.push_back(scene.Start(budget, 'x', random.Below(budget.limit_bytes() + 1),
                                    Milliseconds(random.Between(0, 20))));
      }
      if (!tasks.empty() && random.Chance(OneIn(5))) {
        tasks.erase(tasks.begin() + random.Between(0, static_cast<int64_t>(tasks.size()) - 1));
      }
      for (uint64_t n = random.Below(4); n > 0; --n) scene.loop.Step();
      for (const MemoryBudget* budget : budgets) {
        ASSERT_LE(budget->used_bytes(), budget->limit_bytes());
      }
    }
    if (random.Chance(OneIn(2))) tasks.clear();
    scene.loop.Run();  // Everyone who still waits gets its turn.
    for (const auto& group : tasks) EXPECT_EQ(group->size(), 0u);
    for (const MemoryBudget* budget : budgets) {
      EXPECT_EQ(budget->used_bytes(), 0u);
      EXPECT_FALSE(budget->has_waiters());
    }
    EXPECT_TRUE(scene.errors.empty());
  }
}

}  // namespace
}  // namespace orrery
