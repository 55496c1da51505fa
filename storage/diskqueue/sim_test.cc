// Goal: after kills, losses of power, failing syncs and full disks at any moment, everything that
// was acknowledged and not popped is there, in order, and nothing that was cut comes back.
// Method: one process on one simulated disk, random operations, checked against a model.
#include <gtest/gtest.h>

#include "sim/world/world.h"
#include "storage/diskqueue/testing/queue_model.h"

namespace orrery {
namespace {

using sim::Machine;
using sim::Process;
using sim::World;

struct Totals {
  uint64_t lives = 0;
  uint64_t cuts = 0;
  uint64_t acknowledged = 0;
  uint64_t pops = 0;
  uint64_t full = 0;
  uint64_t reused = 0;  // Seeds in which more was pushed than the file ever held.
};

void SetKnobs(KnobSet& knobs, uint64_t bytes_max) {
  knobs.Add<DiskQueueKnobs>();
  ASSERT_TRUE(knobs.Set("disk_queue_initial_bytes", "65536").ok());
  ASSERT_TRUE(knobs.Set("disk_queue_growth_bytes", "16384").ok());
  ASSERT_TRUE(knobs.Set("disk_queue_bytes_max", std::to_string(bytes_max)).ok());
}

Task<absl::Status> Live(Env* env, QueueModel* model) {
  QueueUser user(*env, *model, env->random("test").Next());
  co_return co_await user.Run(UINT64_MAX);
}

void RunSeed(uint64_t seed, bool faults, Totals& totals) {
  KnobSet knobs;
  SetKnobs(knobs, seed % 3 == 0 ? 160 << 10 : 1 << 20);
  QueueModel model;
  World world(World::Options{.seed = seed, .knobs = &knobs});
  Machine& machine = world.AddMachine({.name = "m", .zone = "z"});
  absl::Status ended;
  Process& process = world.AddProcess(
      machine, {.name = "p", .main = [&model](Env& env) { return Live(&env, &model); }});
  Random random = world.Stream("driver");
  process.Start();
  for (int round = 0; round < 40 && model.wrong.empty(); ++round) {
    const Duration life = random.Chance(OneIn(4)) ? random.Between(Duration(0), Milliseconds(4))
                                                  : random.Between(Duration(0), Milliseconds(150));
    if (faults && random.Chance(OneIn(4))) machine.disk().FailNextSync();
    if (faults && random.Chance(OneIn(6))) machine.disk().SetCapacity(200 << 10);
    ASSERT_TRUE(world.RunUntil(world.Now() + life)) << seed;
    machine.disk().SetCapacity(UINT64_MAX);
    if (random.Chance(OneIn(2))) {
      machine.PowerOff();
      machine.PowerOn();
    } else {
      process.Kill();
    }
    if (!process.running()) process.Start();
  }
  machine.disk().HealAll();
  world.RunUntil(world.Now() + Seconds(5));
  ASSERT_EQ(model.wrong, "") << "seed " << seed;
  ASSERT_GT(model.acknowledged, 10u) << "seed " << seed;
  totals.lives += model.lives;
  totals.cuts += model.cuts;
  totals.acknowledged += model.acknowledged;
  totals.pops += model.pops;
  totals.full += model.full;
  totals.reused += model.pushed_bytes > model.file_bytes ? 1 : 0;
}

void RunSeeds(uint64_t first, uint64_t count, bool faults) {
  Totals totals;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    RunSeed(seed, faults, totals);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(totals.lives, count * 5);
  EXPECT_GT(totals.cuts, count);
  EXPECT_GT(totals.pops, count * 10);
  EXPECT_GT(totals.full, 0u);
  EXPECT_GT(totals.reused, count / 2);
  std::cout << "lives " << totals.lives << ", commits " << totals.acknowledged << ", entries cut "
            << totals.cuts << ", pops " << totals.pops << ", full " << totals.full << "\n";
}

Task<absl::Status> LiveInAFullRing(Env* env, QueueModel* model) {
  QueueUser user(*env, *model, env->random("test").Next());
  user.full_ring = true;
  co_return co_await user.Run(UINT64_MAX);
}

// A slot may be written again only when the begin that frees it is durable: here the slots that a
// pop frees are the only ones left, and power goes while they are being written.
TEST(DiskQueueSimTest, PowerLossesOfAFullRing) {
  uint64_t cuts = 0;
  uint64_t full = 0;
  for (uint64_t seed = 2001; seed < 2041; ++seed) {
    KnobSet knobs;
    SetKnobs(knobs, 48 * 4096);
    QueueModel model;
    World world(World::Options{.seed = seed, .knobs = &knobs});
    Machine& machine = world.AddMachine({.name = "m", .zone = "z"});
    Process& process = world.AddProcess(machine, {.name = "p", .main = [&model](Env& env) {
                                                    return LiveInAFullRing(&env, &model);
                                                  }});
    Random random = world.Stream("driver");
    process.Start();
    for (int round = 0; round < 100 && model.wrong.empty(); ++round) {
      const Duration life = random.Between(Duration(0), Milliseconds(round == 0 ? 500 : 60));
      ASSERT_TRUE(world.RunUntil(world.Now() + life)) << seed;
      machine.PowerOff();
      machine.PowerOn();
      if (!process.running()) process.Start();
    }
    ASSERT_EQ(model.wrong, "") << "seed " << seed;
    cuts += model.cuts;
    full += model.full;
  }
  EXPECT_GT(cuts, 0u);
  EXPECT_GT(full, 1000u);
}

TEST(DiskQueueSimTest, KillsAndPowerLosses) { RunSeeds(1, 120, /*faults=*/false); }
TEST(DiskQueueSimTest, FailingSyncsAndFullDisks) { RunSeeds(1001, 120, /*faults=*/true); }

}  // namespace
}  // namespace orrery
