// Goal: every topology that a seed draws makes sense, what is given is kept, and what makes no
// sense is refused in one line. Method: many seeds, with and without given values.
#include "workloads/system/topology.h"

#include <gtest/gtest.h>

#include <set>

namespace orrery::workloads {
namespace {

// What Deploy does with options.
absl::StatusOr<Topology> Draw(const sim::Options& options, uint64_t seed) {
  Random random(seed);
  ASSIGN_OR_RETURN(const auto drawn, SettleTopology(options, random));
  sim::Options settled = options;
  for (const auto& [key, value] : drawn) settled.Put(key, value);
  return TopologyOf(settled);
}

TEST(Topology, EverySeedDrawsOneThatMakesSense) {
  std::set<uint32_t> replications;
  std::set<size_t> coordinators;
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    const absl::StatusOr<Topology> topology = Draw(sim::Options("topology"), seed);
    ASSERT_TRUE(topology.ok()) << seed << topology.status();
    replications.insert(topology->configuration.replication);
    coordinators.insert(topology->cluster.coordinators.size());
    EXPECT_GE(topology->configuration.logs, topology->configuration.replication);
  }
  EXPECT_EQ(replications.size(), 3u);
  EXPECT_EQ(coordinators.size(), 3u);
}

TEST(Topology, WhatIsGivenBoundsWhatIsDrawn) {
  sim::Options options("topology");
  options.Put("redundancy", std::string("triple"));
  options.Put("coordinators", int64_t{9});
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const absl::StatusOr<Topology> topology = Draw(options, seed);
    ASSERT_TRUE(topology.ok()) << seed << topology.status();
    EXPECT_EQ(topology->configuration.replication, 3u);
    EXPECT_EQ(topology->cluster.coordinators.size(), 9u);
    EXPECT_GE(topology->zones, 3);
  }
}

TEST(Topology, CoordinatorsApartLeaveRoomForAllCopies) {
  std::set<uint32_t> replications;
  for (const int64_t coordinators : {0, 1, 3, 5}) {
    sim::Options options("topology");
    options.Put("coordinators_apart", true);
    if (coordinators > 0) options.Put("coordinators", coordinators);
    for (uint64_t seed = 1; seed <= 200; ++seed) {
      const absl::StatusOr<Topology> topology = Draw(options, seed);
      ASSERT_TRUE(topology.ok()) << seed << topology.status();
      replications.insert(topology->configuration.replication);
      const auto apart = static_cast<int64_t>(topology->cluster.coordinators.size());
      EXPECT_EQ(topology->machines_of_coordinators, apart);
      EXPECT_GE(topology->machines - apart, topology->configuration.replication);
      if (coordinators > 0) EXPECT_EQ(apart, coordinators);
    }
  }
  EXPECT_EQ(replications.size(), 3u);
}

TEST(Topology, WhatMakesNoSenseIsRefused) {
  const auto refused = [](std::vector<std::pair<std::string, sim::Options::Value>> values) {
    sim::Options options("topology", "s.toml:1:1");
    for (auto& [key, value] : values) options.Put(key, value);
    return std::string(Draw(options, 1).status().message());
  };
  EXPECT_EQ(refused({{"machines", int64_t{2}}, {"zones", int64_t{3}}}),
            "s.toml:1:1: [topology] zones: more zones than machines");
  EXPECT_EQ(refused({{"coordinators", int64_t{2}}}),
            "s.toml:1:1: [topology] coordinators: an even number survives no more");
  EXPECT_EQ(refused({{"machines", int64_t{3}}, {"coordinators", int64_t{5}}}),
            "s.toml:1:1: [topology] coordinators: more coordinators than machines");
  EXPECT_EQ(
      refused({{"zones", int64_t{2}}, {"redundancy", std::string("triple")}}),
      "s.toml:1:1: [topology] redundancy: each copy needs a zone of its own, and there are 2");
  EXPECT_EQ(refused({{"machines", int64_t{4}},
                     {"coordinators", int64_t{3}},
                     {"coordinators_apart", true},
                     {"redundancy", std::string("double")}}),
            "s.toml:1:1: [topology] coordinators_apart: too few machines are left for all copies");
  EXPECT_EQ(refused({{"redundancy", std::string("much")}}),
            "s.toml:1:1: [topology] redundancy: expected \"single\", \"double\" or \"triple\"");
}

}  // namespace
}  // namespace orrery::workloads
