// Goal: in a world that is broken in every way, chosen values of the register are one chain and no
// read loses one; creation that is interrupted anywhere is finished by another; afterwards the
// register can be written, one candidate leads, all agree on it, and it stays.
// Method: proposers, candidates and a creator in a simulated world with a seeded driver of faults,
// checked from outside (testing/register_history.h).
#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include "txn/coordinator/testing/coordinator_world.h"

namespace orrery {
namespace {

using testing::CoordinatorWorld;

struct Totals {
  uint64_t chosen = 0;
  uint64_t wiped = 0;
  uint64_t elections = 0;
};

// A stream left half open is given up within a minute or so: see core/rpc.
constexpr Duration kHealTimeMax = Seconds(120);

void RunRegisterSeed(uint64_t seed, Totals& totals) {
  CoordinatorWorld cluster({.seed = seed,
                            .coordinators = seed % 3 == 0   ? 5u
                                            : seed % 3 == 1 ? 3u
                                                            : 1u});
  Random random = cluster.world().Stream("driver");
  for (int round = 0; round < 40; ++round) {
    ASSERT_TRUE(cluster.Run(random.Between(Duration(0), Milliseconds(900))))
        << "seed " << seed << ": " << cluster.Why();
    cluster.Break(random);
  }
  cluster.Heal();
  const uint64_t before = cluster.history().chosen();
  const Time healed = cluster.world().Now();
  while (!cluster.created() || cluster.history().chosen() < before + 3) {
    ASSERT_TRUE(cluster.Run(Milliseconds(200))) << "seed " << seed << ": " << cluster.Why();
    ASSERT_LT(cluster.world().Now() - healed, kHealTimeMax)
        << "seed " << seed << " created " << cluster.created() << ", chosen "
        << cluster.history().chosen() - before << ", wiped " << cluster.wiped();
  }
  totals.chosen += before;
  totals.wiped += cluster.wiped();
}

void RunRegisterSeeds(uint64_t first, uint64_t count) {
  Totals totals;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    RunRegisterSeed(seed, totals);
    if (::testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(totals.chosen, count * 5);
  EXPECT_GT(totals.wiped, count / 10);
  std::cout << "chosen under faults " << totals.chosen << ", disks lost " << totals.wiped << "\n";
}

TEST(CoordinatorSimTest, OneChainUnderFaults1) { RunRegisterSeeds(1, 60); }
TEST(CoordinatorSimTest, OneChainUnderFaults2) { RunRegisterSeeds(1001, 60); }

// Exactly one leads, and everybody sees it.
bool Settled(const CoordinatorWorld& cluster) {
  if (cluster.leaders().size() != 1) return false;
  const uint64_t leader = cluster.leaders().begin()->second;
  for (const uint64_t seen : cluster.seen_leaders()) {
    if (seen != leader) return false;
  }
  return true;
}

void RunElectionSeed(uint64_t seed, Totals& totals) {
  CoordinatorWorld cluster({.seed = seed,
                            .coordinators = seed % 2 == 0 ? 3u : 5u,
                            .machines = 5,
                            .proposers = false,
                            .candidates = true});
  Random random = cluster.world().Stream("driver");
  for (int round = 0; round < 30; ++round) {
    ASSERT_TRUE(cluster.Run(random.Between(Duration(0), Seconds(2)))) << cluster.Why();
    cluster.Break(random);
  }
  totals.elections += cluster.elections();
  cluster.Heal();
  const Time healed = cluster.world().Now();
  for (;;) {
    ASSERT_TRUE(cluster.Run(Milliseconds(200))) << cluster.Why();
    ASSERT_LT(cluster.world().Now() - healed, kHealTimeMax)
        << "seed " << seed << ": " << cluster.leaders().size() << " lead";
    if (!Settled(cluster)) continue;
    // Settled for good once nothing that broke is left: it stays for a long while.
    const uint64_t leader = cluster.leaders().begin()->second;
    bool stays = true;
    for (int i = 0; i < 60 && stays; ++i) {
      ASSERT_TRUE(cluster.Run(Seconds(1))) << cluster.Why();
      stays = Settled(cluster) && cluster.leaders().begin()->second == leader;
    }
    if (stays) return;
  }
}

TEST(CoordinatorSimTest, OneLeaderAfterFaults) {
  Totals totals;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    RunElectionSeed(seed, totals);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(totals.elections, 120u);
  std::cout << "elections " << totals.elections << "\n";
}

TEST(CoordinatorSimTest, ADeadLeaderIsReplacedSoonAndANewcomerDeposesNobody) {
  CoordinatorWorld cluster({.seed = 7, .proposers = false, .candidates = true, .randomise = false});
  while (!Settled(cluster)) ASSERT_TRUE(cluster.Run(Milliseconds(100)));
  for (int round = 0; round < 5; ++round) {
    const auto [process, leader] = *cluster.leaders().begin();
    cluster.process(process).Kill();
    const Time killed = cluster.world().Now();
    while (!Settled(cluster) || cluster.leaders().begin()->second == leader) {
      ASSERT_TRUE(cluster.Run(Milliseconds(20)));
      // The dead one's own view does not change any more: it is started again below.
      if (cluster.leaders().size() == 1 && cluster.leaders().begin()->second != leader) break;
      ASSERT_LT(cluster.world().Now() - killed, Seconds(2));
    }
    const uint64_t next = cluster.leaders().begin()->second;
    const size_t where = cluster.leaders().begin()->first;
    cluster.process(process).Start();
    ASSERT_TRUE(cluster.Run(Seconds(20)));
    ASSERT_TRUE(Settled(cluster));
    // Of a worse priority, the new leader gives way once; else it stays.
    if (where % 2 <= process % 2) {
      EXPECT_EQ(cluster.leaders().begin()->second, next);
    }
  }
}

TEST(CoordinatorSimTest, AnIdleElectionIsCheap) {
  CoordinatorWorld cluster({.seed = 7, .proposers = false, .candidates = true, .randomise = false});
  ASSERT_TRUE(cluster.Run(Seconds(30)));
  ASSERT_TRUE(Settled(cluster));
  const uint64_t before = cluster.world().timeline().events();
  ASSERT_TRUE(cluster.Run(Seconds(60)));
  const uint64_t per_second = (cluster.world().timeline().events() - before) / 60;
  std::cout << per_second << " events per second\n";
  EXPECT_LT(per_second, 500u);
}

}  // namespace
}  // namespace orrery
