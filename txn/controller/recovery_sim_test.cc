// Goal: a cluster makes its first generation, and a next one after every death, and nothing that
// was acknowledged is lost; a generation is
// never published twice, also not by two controllers; what is not named any more goes from all
// disks. Method: real coordinators, workers, logs, storage servers and controllers in a simulated
// world; kills, losses of power and pauses at drawn moments.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/observe/metrics.h"
#include "sim/network/network_model.h"
#include "txn/controller/testing/recovery_world.h"

namespace orrery::testing {
namespace {

std::string Reason(const RecoveryWorld& cluster) {
  const ClusterStatusReply& status = cluster.observed().status;
  return "generation " + std::to_string(status.generation()) + ", " + status.recovery_state() +
         ", " + status.reason() + ", old sets " + std::to_string(status.old_log_sets()) +
         ", wrong: " + cluster.observed().wrong;
}

std::string Known(RecoveryWorld& cluster) {
  std::string text;
  for (const WorkerInfo& worker : cluster.observed().status.workers()) {
    text += worker.process() + " ";
    for (const uint64_t id : worker.log_ids()) text += "log " + std::to_string(id) + " ";
    for (const uint64_t id : worker.storage_ids()) text += "storage " + std::to_string(id) + " ";
  }
  for (size_t i = 0; i < cluster.machines(); ++i) {
    text += cluster.process(i).running() ? "" : cluster.process(i).name() + " is down ";
    text += cluster.process(i).paused() ? cluster.process(i).name() + " is paused " : "";
  }
  return text;
}

std::set<uint64_t> NamedStores(const ClusterState& state) {
  std::set<uint64_t> named(state.storage_ids().begin(), state.storage_ids().end());
  for (const LogSet& set : state.log_system().sets()) {
    for (const LogMember& log : set.logs()) named.insert(log.log_id());
  }
  return named;
}

// All workers are known, and no disk holds a store that the published state does not name.
bool OnlyWhatIsNamedIsThere(const RecoveryWorld& cluster) {
  const ClusterStatusReply& status = cluster.observed().status;
  const std::set<uint64_t> named = NamedStores(status.state());
  bool only = static_cast<size_t>(status.workers_size()) == cluster.machines();
  for (const WorkerInfo& worker : status.workers()) {
    for (const uint64_t id : worker.log_ids()) only = only && named.contains(id);
    for (const uint64_t id : worker.storage_ids()) only = only && named.contains(id);
  }
  return only;
}

TEST(RecoverySimTest, TheFirstGeneration) {
  RecoveryWorld cluster({.seed = 1});
  ASSERT_TRUE(cluster.RunUntilRecovered(0, Seconds(30))) << Reason(cluster);
  const ClusterStatusReply& status = cluster.observed().status;
  EXPECT_EQ(status.generation(), 1u);
  EXPECT_EQ(status.recoveries(), 1u);
  EXPECT_EQ(status.workers_size(), 5);
  EXPECT_EQ(status.storage_size(), 3);
  EXPECT_EQ(status.state().log_system().sets(0).logs_size(), 3);
  std::set<std::string> zones;
  for (const StorageTagInfo& storage : status.storage()) zones.insert(storage.zone());
  EXPECT_EQ(zones.size(), 3u);
}

TEST(RecoverySimTest, SaysForWhomItWaits) {
  RecoveryWorld cluster({.seed = 2, .machines = 3, .zones = 2});
  ASSERT_TRUE(cluster.Run(Seconds(20)));
  EXPECT_EQ(cluster.observed().status.generation(), 0u);
  EXPECT_EQ(cluster.observed().status.recovery_state(), "recruiting");
  EXPECT_EQ(cluster.observed().status.reason(),
            "logs must stand in 3 zones (triple), and the processes that may host them, of 3 "
            "processes known, are in 2 zones");
}

TEST(RecoverySimTest, EveryProcessInTurn) {
  RecoveryWorld cluster({.seed = 3});
  ASSERT_TRUE(cluster.RunUntilRecovered(0, Seconds(30))) << Reason(cluster);
  for (size_t i = 0; i < cluster.machines(); ++i) {
    const uint64_t before = cluster.observed().generation_max;
    bool hosts = false;
    for (const RoleInfo& role : cluster.observed().status.state().roles()) {
      hosts = hosts || role.process() == cluster.process(i).name();
    }
    cluster.process(i).Kill();
    cluster.Run(Seconds(1));
    cluster.StartAll();
    if (!hosts) continue;
    ASSERT_TRUE(cluster.RunUntilRecovered(before, Seconds(60))) << i << ": " << Reason(cluster);
  }
}

// Its port is closed to others, but it reaches them: it asks again and again to be recruited.
TEST(RecoverySimTest, AWorkerThatIsHeardAndNotReachedIsPassedOver) {
  RecoveryWorld cluster({.seed = 3});
  ASSERT_TRUE(cluster.RunUntilRecovered(0, Seconds(30))) << Reason(cluster);
  const size_t victim = 4;
  const auto hosts_a_role = [&] {
    const auto& roles = cluster.observed().status.state().roles();
    return std::any_of(roles.begin(), roles.end(), [&](const RoleInfo& role) {
      return role.process() == cluster.process(victim).name();
    });
  };
  ASSERT_TRUE(hosts_a_role());
  const uint64_t before = cluster.observed().generation_max;
  sim::NetworkFault fault = {.kind = sim::NetworkFaultKind::kRefuseConnect,
                             .from = {},
                             .to = {cluster.machine(victim).host()},
                             .both_directions = false};
  cluster.world().network().Begin(fault);
  fault.kind = sim::NetworkFaultKind::kReset;
  fault.count = 1;
  cluster.world().network().Begin(fault);
  ASSERT_TRUE(cluster.RunUntilRecovered(before, Seconds(10))) << Reason(cluster);
  EXPECT_FALSE(hosts_a_role());
  ASSERT_TRUE(cluster.Run(Seconds(20)));
  EXPECT_EQ(cluster.observed().status.workers_size(), 5) << Known(cluster);
}

struct Totals {
  uint64_t generations = 0;
  uint64_t waits = 0;
  uint64_t rows = 0;
};

// Faults for a while; then the cluster heals, and its disks hold what is named, and nothing else.
void RunSeed(uint64_t seed, Totals& totals) {
  Random random(seed);
  const std::vector<std::string> redundancies = {"single", "double", "triple"};
  RecoveryWorld cluster({.seed = seed,
                         .machines = 5,
                         .zones = 3,
                         .redundancy = redundancies[random.Below(3)],
                         .randomise_knobs = true});
  ASSERT_TRUE(cluster.RunUntilRecovered(0, Seconds(120))) << seed << ": " << Reason(cluster);
  const int64_t rounds = random.Between(5, 25);
  for (int64_t round = 0; round < rounds; ++round) {
    const size_t victim = random.Below(cluster.machines());
    switch (random.Below(4)) {
      case 0:
        cluster.process(victim).Pause(random.Between(Milliseconds(10), Seconds(8)));
        break;
      case 1:
        if (cluster.machine(victim).powered()) cluster.machine(victim).PowerOff();
        break;
      default:
        cluster.process(victim).Kill();
    }
    ASSERT_TRUE(cluster.Run(random.Between(Milliseconds(1), Seconds(3)))) << seed;
    if (random.Chance(OneIn(2))) cluster.StartAll();
    ASSERT_EQ(cluster.observed().wrong, "") << seed;
  }
  cluster.StartAll();
  const uint64_t before = cluster.observed().generation_max;
  ASSERT_TRUE(cluster.Run(Seconds(10))) << seed;
  ASSERT_TRUE(cluster.RunUntilRecovered(before - 1, Seconds(120)))
      << seed << ": " << Reason(cluster);
  totals.generations += cluster.observed().generation_max;
  totals.waits += cluster.observed().states.count("waiting for logs");
  // One more generation: what the last one left unnamed is of a lower generation then.
  const RoleInfo& any = cluster.observed().status.state().roles(0);
  cluster.world().FindProcess(any.process())->Kill();
  cluster.StartAll();
  ASSERT_TRUE(cluster.RunUntilRecovered(cluster.observed().generation_max, Seconds(120)))
      << seed << ": " << Reason(cluster);
  ASSERT_TRUE(cluster.Run(Seconds(60))) << seed;
  ASSERT_TRUE(cluster.RunUntilRowsRead(Seconds(60))) << seed << ": " << Reason(cluster);
  totals.rows += cluster.observed().rows_read;
  // Not at one moment: a generation may just have ended, since connections break also when nobody
  // is killed, and a worker that hears late of the next one does not ask meanwhile.
  for (int i = 0; i < 300 && !OnlyWhatIsNamedIsThere(cluster); ++i) {
    ASSERT_TRUE(cluster.Run(Milliseconds(100))) << seed;
  }
  ASSERT_TRUE(OnlyWhatIsNamedIsThere(cluster)) << seed << ": " << Known(cluster);
}

TEST(RecoverySimTest, KillsPowerLossesAndPauses) {
  Totals totals;
  for (uint64_t seed = 100; seed < 140; ++seed) {
    RunSeed(seed, totals);
    if (::testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(totals.generations, 150u);
  EXPECT_GT(totals.waits, 5u);
  EXPECT_GT(totals.rows, 20'000u);
  std::cout << "generations " << totals.generations << ", waits " << totals.waits << ", rows "
            << totals.rows << "\n";
}

// A generation that lives on: consumers pop, metadata included, and the logs' queues stay small;
// and the next generation finds its metadata behind all that was popped.
TEST(RecoverySimTest, TheLogsOfALongGenerationStaySmall) {
  RecoveryWorld cluster({.seed = 6,
                         .row_bytes = 5000,
                         .knobs = {"log_trim_bytes_min=65536", "commit_proxy_snapshot_bytes=262144",
                                   "disk_queue_bytes_max=16777216", "log_reserve_bytes=65536",
                                   "commit_proxy_log_room_bytes_min=1048576",
                                   "commit_proxy_log_reserve_bytes=65536"}});
  ASSERT_TRUE(cluster.RunUntilRecovered(0, Seconds(30))) << Reason(cluster);
  const uint64_t generation = cluster.observed().generation_max;
  int64_t queue_max = 0;
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(cluster.Run(Milliseconds(100)));
    for (size_t m = 0; m < cluster.machines(); ++m) {
      queue_max = std::max(
          queue_max, cluster.process(m).env().metrics().AddGauge("log_queue", "bytes", "").value());
    }
  }
  uint64_t pushed = 0;
  for (size_t m = 0; m < cluster.machines(); ++m) {
    pushed = std::max(
        pushed, cluster.process(m).env().metrics().AddCounter("log_pushed", "bytes", "").value());
  }
  EXPECT_EQ(cluster.observed().generation_max, generation);
  std::cout << "pushed " << pushed << " bytes, queue at most " << queue_max << "\n";
  EXPECT_GT(pushed, 8u << 20);
  EXPECT_GT(queue_max, 0);
  EXPECT_LT(queue_max, 6 << 20);
  for (const RoleInfo& role : cluster.observed().status.state().roles()) {
    if (role.kind() == RoleInfo::SEQUENCER) cluster.world().FindProcess(role.process())->Kill();
  }
  cluster.StartAll();
  ASSERT_TRUE(cluster.RunUntilRecovered(generation, Seconds(60))) << Reason(cluster);
  ASSERT_TRUE(cluster.RunUntilRowsRead(Seconds(60))) << Reason(cluster);
}

TEST(RecoverySimTest, IdleCostsLittle) {
  RecoveryWorld cluster({.seed = 4, .writes = false});
  ASSERT_TRUE(cluster.RunUntilRecovered(0, Seconds(30))) << Reason(cluster);
  ASSERT_TRUE(cluster.Run(Seconds(20)));
  uint64_t events = 0;
  const Time end = cluster.world().Now() + Seconds(10);
  while (cluster.world().Now() < end && cluster.world().Step()) ++events;
  std::cout << "events per idle second: " << events / 10 << "\n";
  EXPECT_LT(events / 10, 1'000u);
}

}  // namespace
}  // namespace orrery::testing
