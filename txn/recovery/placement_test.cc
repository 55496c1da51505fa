// Goal: zones are kept whatever the workers are; nobody unfit is chosen; better workers are
// preferred; what is missing is said. Method: small cases by hand, and random workers against the
// promises of the header.
#include "txn/recovery/placement.h"

#include <set>

#include "core/base/random.h"
#include "gtest/gtest.h"

namespace orrery {
namespace {

WorkerInfo Worker(std::string process, std::string zone, std::string process_class = "any") {
  WorkerInfo worker;
  worker.set_process(process);
  worker.set_zone(zone);
  worker.set_process_class(process_class);
  return worker;
}

Configuration Wanted(uint32_t replication, uint32_t logs) {
  Configuration configuration;
  configuration.replication = replication;
  configuration.logs = logs;
  return configuration;
}

TEST(PlacementTest, OneProcessHostsEverything) {
  const Placement placement = PlaceGeneration({Worker("a", "z")}, Wanted(1, 3), true);
  EXPECT_EQ(placement.missing, "");
  EXPECT_EQ(placement.logs, (std::vector<size_t>{0}));
  EXPECT_EQ(placement.storage, (std::vector<size_t>{0}));
  EXPECT_EQ(placement.commit_proxies, (std::vector<size_t>{0}));
  EXPECT_FALSE(placement.good);
}

TEST(PlacementTest, SaysWhatIsMissing) {
  EXPECT_EQ(PlaceGeneration({}, Wanted(1, 1), true).missing,
            "logs must stand in 1 zone (single), and the processes that may host them, of 0 "
            "processes known, are in 0 zones");
  EXPECT_EQ(PlaceGeneration({Worker("a", "z"), Worker("b", "z")}, Wanted(2, 3), true).missing,
            "logs must stand in 2 zones (double), and the processes that may host them, of 2 "
            "processes known, are in 1 zone");
  const std::vector<WorkerInfo> logs_only = {Worker("a", "x", "log"), Worker("b", "y", "log")};
  EXPECT_NE(PlaceGeneration(logs_only, Wanted(2, 2), true).missing.find("storage servers must"),
            std::string::npos);
  EXPECT_EQ(PlaceGeneration(logs_only, Wanted(2, 2), false).missing, "");
  EXPECT_NE(PlaceGeneration({Worker("a", "x", "coordinator")}, Wanted(1, 1), false).missing, "");
}

TEST(PlacementTest, PrefersClassesAndSpreads) {
  const std::vector<WorkerInfo> workers = {
      Worker("a", "x", "storage"),   Worker("b", "y", "any"), Worker("c", "x", "log"),
      Worker("d", "y", "log"),       Worker("e", "z", "log"), Worker("f", "z", "stateless"),
      Worker("g", "x", "stateless"),
  };
  const Placement placement = PlaceGeneration(workers, Wanted(2, 3), true);
  EXPECT_EQ(placement.logs, (std::vector<size_t>{2, 3, 4}));
  EXPECT_EQ(placement.storage, (std::vector<size_t>{0, 1}));
  EXPECT_EQ(placement.sequencer, 5u);
  EXPECT_EQ(placement.resolvers, (std::vector<size_t>{6}));
  EXPECT_EQ(placement.commit_proxies, (std::vector<size_t>{5, 6}));
  EXPECT_TRUE(placement.good);
}

TEST(PlacementTest, ZonesComeBeforeClasses) {
  const std::vector<WorkerInfo> workers = {Worker("a", "x", "log"), Worker("b", "x", "log"),
                                           Worker("c", "y", "storage")};
  Load load;
  EXPECT_EQ(PlaceInZones(workers, RoleSort::kLog, 2, 2, load), (std::vector<size_t>{0, 2}));
  EXPECT_EQ(PlaceInZones(workers, RoleSort::kLog, 2, 1, load), (std::vector<size_t>{1, 0}));
}

TEST(PlacementTest, AnyWorkers) {
  const std::vector<std::string> classes = {"any", "log", "storage", "stateless", "coordinator"};
  Random random(7);
  size_t placed = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<WorkerInfo> workers;
    std::set<std::string> fit_zones;
    const RoleSort sort = static_cast<RoleSort>(random.Below(3));
    size_t fit = 0;
    for (size_t i = random.Below(9); i > 0; --i) {
      workers.push_back(Worker("p" + std::to_string(i), "z" + std::to_string(random.Below(4)),
                               classes[random.Below(classes.size())]));
      if (FitnessOf(workers.back().process_class(), sort) == Fitness::kUnfit) continue;
      fit_zones.insert(workers.back().zone());
      ++fit;
    }
    const auto zones = static_cast<uint32_t>(random.Between(1, 3));
    const auto count = static_cast<uint32_t>(random.Between(zones, 5));
    Load load;
    const std::vector<size_t> chosen = PlaceInZones(workers, sort, count, zones, load);
    if (fit_zones.size() < zones) {
      ASSERT_TRUE(chosen.empty() && load.empty());
      continue;
    }
    ++placed;
    ASSERT_EQ(chosen.size(), std::min<size_t>(count, fit));
    std::set<size_t> different(chosen.begin(), chosen.end());
    ASSERT_EQ(different.size(), chosen.size());
    std::set<std::string> in_zones;
    for (const size_t i : chosen) {
      in_zones.insert(workers[i].zone());
      ASSERT_NE(FitnessOf(workers[i].process_class(), sort), Fitness::kUnfit);
      ASSERT_EQ(load[workers[i].process()], 1u);
    }
    ASSERT_GE(in_zones.size(), zones);
  }
  EXPECT_GT(placed, 5'000u);
}

}  // namespace
}  // namespace orrery
