// Goal: every run of a sweep is given once, over all shards and all processes of them; by time, the
// scenarios get equal shares of processor time.
// Method: the order walked with made-up costs.
#include "sim/run/sweep/run_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace orrery::sim {
namespace {

SweepParameters Parameters(size_t scenarios, uint32_t shard, uint32_t shards) {
  SweepParameters parameters;
  for (size_t i = 0; i < scenarios; ++i) {
    parameters.scenarios.push_back({"s" + std::to_string(i), std::to_string(i) + ".toml", i});
  }
  parameters.shard = shard;
  parameters.shards = shards;
  return parameters;
}

TEST(RunOrder, ShardsTakeEverySeedOnceAndEveryScenario) {
  for (const uint32_t shards : {1u, 2u, 3u, 4u, 7u}) {
    std::multiset<SeedOfScenario> all;
    for (uint32_t shard = 0; shard < shards; ++shard) {
      SweepParameters parameters = Parameters(4, shard, shards);
      parameters.first_seed = 100;
      parameters.last_seed = 149;
      RunOrder order(parameters);
      std::set<uint32_t> scenarios;
      uint64_t runs = 0;
      while (const auto run = order.Next()) {
        all.insert(*run);
        scenarios.insert(run->scenario);
        ++runs;
      }
      EXPECT_EQ(runs, parameters.planned_runs());
      EXPECT_EQ(scenarios.size(), 4u) << "shard " << shard << " of " << shards;
    }
    EXPECT_EQ(all.size(), 200u);
    EXPECT_EQ(std::set<SeedOfScenario>(all.begin(), all.end()).size(), 200u);
    EXPECT_EQ(all.begin()->seed, 100u);
    EXPECT_EQ(all.rbegin()->seed, 149u);
  }
}

TEST(RunOrder, SeedsGoUpTogether) {
  SweepParameters parameters = Parameters(3, 0, 1);
  parameters.last_seed = 5;
  RunOrder order(parameters);
  uint64_t last = 1;
  while (const auto run = order.Next()) {
    EXPECT_GE(run->seed, last);
    last = run->seed;
  }
}

// Whatever was done by an earlier process, in whatever order, is not done again, and all else is.
TEST(RunOrder, GoesOnWhereItStopped) {
  for (const bool by_time : {false, true}) {
    SweepParameters parameters = Parameters(3, 1, 2);
    parameters.last_seed = 20;
    if (by_time) parameters.time = Seconds(60);
    RunOrder whole(parameters);
    std::vector<SeedOfScenario> runs;
    for (int i = 0; i < 30; ++i) {
      const auto run = whole.Next();
      ASSERT_TRUE(run.has_value());
      whole.Account(run->scenario, Seconds(1));
      runs.push_back(*run);
    }
    // Two were on their way when it ended, one of them long ago; the rest ended out of order.
    std::vector<SeedOfScenario> done = runs;
    const std::set<SeedOfScenario> lost = {done[4], done[29]};
    std::erase_if(done, [&lost](const SeedOfScenario& run) { return lost.contains(run); });
    std::ranges::reverse(done);
    RunOrder rest(parameters);
    for (const SeedOfScenario& run : done) {
      rest.Skip(run);
      rest.Account(run.scenario, Seconds(1));
    }
    std::set<SeedOfScenario> seen(done.begin(), done.end());
    std::set<SeedOfScenario> first;
    for (int i = 0; i < 6; ++i) {
      const auto run = rest.Next();
      if (!run.has_value()) break;
      rest.Account(run->scenario, Seconds(1));
      EXPECT_TRUE(seen.insert(*run).second) << run->scenario << " " << run->seed;
      first.insert(*run);
    }
    for (const SeedOfScenario& run : lost) EXPECT_TRUE(first.contains(run)) << by_time;
  }
}

TEST(RunOrder, WhatWasNotMadeComesAgain) {
  SweepParameters parameters = Parameters(2, 0, 1);
  parameters.last_seed = 2;
  RunOrder order(parameters);
  const SeedOfScenario first = *order.Next();
  order.Next();
  order.Return(first);
  EXPECT_EQ(*order.Next(), first);
  EXPECT_NE(*order.Next(), first);
}

TEST(RunOrder, ByTimeSharesAreEqual) {
  SweepParameters parameters = Parameters(3, 0, 1);
  parameters.time = Seconds(60);
  RunOrder order(parameters);
  const Duration costs[] = {Milliseconds(10), Milliseconds(200), Milliseconds(2000)};
  std::map<uint32_t, Duration> shares;
  std::map<uint32_t, uint64_t> next_seed;
  // Two at a time, so that one runs while the next is chosen.
  std::vector<SeedOfScenario> running = {*order.Next()};
  for (int i = 0; i < 3000; ++i) {
    running.push_back(*order.Next());
    const SeedOfScenario ended = running.front();
    running.erase(running.begin());
    EXPECT_EQ(ended.seed, ++next_seed[ended.scenario]);
    order.Account(ended.scenario, costs[ended.scenario]);
    shares[ended.scenario] += costs[ended.scenario];
  }
  for (const auto& [scenario, share] : shares) {
    EXPECT_LT(share, shares[0] + Seconds(5)) << scenario;
    EXPECT_GT(share, shares[0] - Seconds(5)) << scenario;
  }
}

TEST(RunOrder, ByTimeShardsTakeDifferentSeeds) {
  std::set<SeedOfScenario> all;
  for (uint32_t shard = 0; shard < 3; ++shard) {
    SweepParameters parameters = Parameters(2, shard, 3);
    parameters.time = Seconds(60);
    parameters.first_seed = 50;
    RunOrder order(parameters);
    for (int i = 0; i < 100; ++i) {
      const SeedOfScenario run = *order.Next();
      order.Account(run.scenario, Seconds(1));
      EXPECT_TRUE(all.insert(run).second);
    }
  }
  EXPECT_EQ(all.begin()->seed, 50u);
}

TEST(RunOrder, EndsWithTheLastSeedThereIs) {
  SweepParameters parameters = Parameters(1, 0, 1);
  parameters.first_seed = UINT64_MAX - 1;
  parameters.time = Seconds(60);
  RunOrder order(parameters);
  EXPECT_TRUE(order.Next().has_value());
  EXPECT_TRUE(order.Next().has_value());
  EXPECT_FALSE(order.Next().has_value());
}

}  // namespace
}  // namespace orrery::sim
