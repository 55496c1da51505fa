// Goal: a disk may be lost if it is that of a coordinator which does nothing else, and a majority
// of them is left; nothing may be damaged; all else comes back. Method: machines of those names.
#include "workloads/system/database_policy.h"

#include <gtest/gtest.h>

#include "sim/world/world.h"
#include "workloads/system/topology.h"

namespace orrery::workloads {
namespace {

class PolicyTest : public testing::Test {
 protected:
  void Build(int64_t coordinators) {
    for (int64_t i = 0; i < coordinators; ++i) {
      world_.AddMachine({.name = CoordinatorMachineName(i), .zone = "z"});
    }
    world_.AddMachine({.name = MachineName(coordinators), .zone = "z"});
  }

  bool Survives(std::vector<std::string> names, sim::Harm harm) {
    std::vector<const sim::Machine*> machines;
    for (const std::string& name : names) machines.push_back(world_.FindMachine(name));
    return policy_.Survives(world_, machines, harm);
  }

  KnobSet knobs_;
  sim::World world_{{.seed = 1, .knobs = &knobs_}};
  DatabasePolicy policy_;
};

TEST_F(PolicyTest, WhatComesBackWholeMayGo) {
  Build(1);
  for (const sim::Harm harm : {sim::Harm::kUnavailable, sim::Harm::kVolatile}) {
    EXPECT_TRUE(Survives({"coordinator-1", "machine-2"}, harm));
  }
}

TEST_F(PolicyTest, AMajorityOfCoordinatorsStays) {
  Build(5);
  EXPECT_FALSE(
      Survives({"coordinator-1", "coordinator-2", "coordinator-3"}, sim::Harm::kDestroyed));
  EXPECT_FALSE(Survives({"coordinator-2", "machine-6"}, sim::Harm::kDestroyed));
  EXPECT_FALSE(Survives({"coordinator-2"}, sim::Harm::kDamaged));
  EXPECT_TRUE(Survives({"coordinator-2"}, sim::Harm::kDestroyed));
  EXPECT_TRUE(Survives({"coordinator-4"}, sim::Harm::kDestroyed));
  EXPECT_FALSE(Survives({"coordinator-1"}, sim::Harm::kDestroyed)) << "two are lost for ever";
  EXPECT_TRUE(Survives({"coordinator-2"}, sim::Harm::kDestroyed)) << "it has nothing to lose";
}

TEST_F(PolicyTest, TheOnlyCoordinatorStays) {
  Build(1);
  EXPECT_FALSE(Survives({"coordinator-1"}, sim::Harm::kDestroyed));
  EXPECT_FALSE(Survives({"machine-2"}, sim::Harm::kDestroyed));
}

}  // namespace
}  // namespace orrery::workloads
