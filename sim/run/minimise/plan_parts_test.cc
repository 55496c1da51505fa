// Goal: parts are left out as plan_parts.h says, and nothing else of a plan changes. Method: one
// plan with everything in it, by hand.
#include "sim/run/minimise/plan_parts.h"

#include <gtest/gtest.h>

#include "sim/fault/draw.h"

namespace orrery::sim {
namespace {

constexpr char kPlan[] = R"(
  version: 1 seed: 7 scenario: "s"
  knobs { name: "a" value: "1" } knobs { name: "b" value: "2" }
  faults { at_ns: 1000000 for_ns: 5 kill_process { process: "p1" } }
  faults { at_ns: 2400000 power_loss { machines: "m1" machines: "m2" } }
  faults { at_ns: 2600000 for_ns: 3600000 partition { side_a: "m1" side_b: "m2" side_b: "m3" } }
  faults { at_ns: 5000000 slow_link { from: "m3" latency_ns: 9 } }
  operations { workload: "bank" client: 0 only: "0-3" }
  operations { workload: "bank" client: 1 only: "7" }
  operations { workload: "ring" client: 0 only: "1,9" }
  schedule { drawn { process: "p1" to_ns: 100 } drawn { process: "p2" from_ns: 5 to_ns: 6 } }
)";

FaultPlan Plan() {
  absl::StatusOr<FaultPlan> plan = FaultPlanFromText(kPlan);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return *std::move(plan);
}

std::string OperationsText(const FaultPlan& plan) {
  std::string text;
  for (const PlannedOperations& entry : plan.operations()) {
    text += entry.workload() + "/" + std::to_string(entry.client()) + ":" + entry.only() + " ";
  }
  return text;
}

std::string WindowsText(const FaultPlan& plan) {
  std::string text;
  for (const PlannedWindow& window : plan.schedule().drawn()) {
    text += window.process() + ":" + std::to_string(window.from_ns()) + "-" +
            std::to_string(window.to_ns()) + " ";
  }
  return text;
}

TEST(PlanParts, AllOfAnyKindIsThePlan) {
  const FaultPlan plan = Plan();
  for (const PlanParts& parts :
       {FaultsOf(plan), TargetsOf(plan, 1), TargetsOf(plan, 2), OddTimesOf(plan), WorkloadsOf(plan),
        ClientsOf(plan), OperationsOf(plan), WindowsOf(plan), KnobsOf(plan)}) {
    Subset all(parts.count);
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    EXPECT_EQ(FaultPlanToText(parts.keep(all)), FaultPlanToText(plan));
  }
}

TEST(PlanParts, FaultsKnobsAndWindows) {
  const FaultPlan plan = Plan();
  const FaultPlan faults = FaultsOf(plan).keep({1, 3});
  ASSERT_EQ(faults.faults_size(), 2);
  EXPECT_TRUE(faults.faults(0).has_power_loss());
  EXPECT_TRUE(faults.faults(1).has_slow_link());
  EXPECT_EQ(KnobsOf(plan).keep({1}).knobs(0).name(), "b");
  EXPECT_EQ(WindowsText(WindowsOf(plan).keep({1})), "p2:5-6 ");
  EXPECT_TRUE(WindowsOf(plan).keep({}).has_schedule());  // In order everywhere, not drawn.
}

TEST(PlanParts, Operations) {
  const FaultPlan plan = Plan();
  EXPECT_EQ(WorkloadsOf(plan).count, 2u);
  EXPECT_EQ(OperationsText(WorkloadsOf(plan).keep({1})), "bank/0: bank/1: ring/0:1,9 ");
  EXPECT_EQ(ClientsOf(plan).count, 3u);
  EXPECT_EQ(OperationsText(ClientsOf(plan).keep({0, 2})), "bank/0:0-3 bank/1: ring/0:1,9 ");
  // In the order of their shares: ring 1/10, bank/0 0/4 first.
  const PlanParts all = OperationsOf(plan);
  ASSERT_EQ(all.count, 7u);
  EXPECT_EQ(OperationsText(all.keep({0})), "bank/0:0 bank/1: ring/0: ");
  EXPECT_EQ(OperationsText(all.keep({1, 2})), "bank/0:1 bank/1: ring/0:1 ");
  EXPECT_EQ(OperationsText(all.keep({})), "bank/0: bank/1: ring/0: ");
  // Those that are silent already are not asked about again.
  EXPECT_EQ(WorkloadsOf(WorkloadsOf(plan).keep({1})).count, 1u);
}

TEST(PlanParts, OperationsThatWereAskedForAreListed) {
  EXPECT_EQ(OperationsText(WithListedOperations(
                Plan(), {{"bank/0", 2}, {"bank/1", 3}, {"new/one/0", 4}, {"ring/0", 10}})),
            "bank/0:0-1 bank/1: new/one/0:0-3 ring/0:1,9 ");
}

TEST(PlanParts, TargetsOfLists) {
  const FaultPlan plan = Plan();
  EXPECT_EQ(TargetsOf(plan, 0).count, 0u);
  EXPECT_EQ(TargetsOf(plan, 3).count, 0u);
  const FaultPlan one = TargetsOf(plan, 1).keep({1});
  ASSERT_EQ(one.faults(1).power_loss().machines_size(), 1);
  EXPECT_EQ(one.faults(1).power_loss().machines(0), "m2");
  const FaultPlan sides = TargetsOf(plan, 2).keep({0, 2});
  EXPECT_EQ(sides.faults(2).partition().side_a_size(), 1);
  EXPECT_EQ(sides.faults(2).partition().side_b(0), "m3");
}

TEST(PlanParts, TimesAreRoundedAndFaultsStayInOrder) {
  const FaultPlan plan = Plan();
  const PlanParts odd = OddTimesOf(plan);
  ASSERT_EQ(odd.count, 3u);
  const FaultPlan rounded = odd.keep({});
  EXPECT_EQ(rounded.faults(0).for_ns(), 1'000'000);  // What lasts goes on lasting.
  EXPECT_EQ(rounded.faults(1).at_ns(), 2'000'000);
  EXPECT_EQ(rounded.faults(1).for_ns(), 0);
  EXPECT_EQ(rounded.faults(2).at_ns(), 3'000'000);
  EXPECT_EQ(rounded.faults(2).for_ns(), 4'000'000);
  EXPECT_EQ(OddTimesOf(rounded).count, 0u);
}

TEST(PlanParts, WindowsAreHalvedAndMerged) {
  const FaultPlan halved = WithHalvedWindows(Plan());
  EXPECT_EQ(WindowsText(halved), "p1:0-50 p1:50-100 p2:5-6 ");
  EXPECT_EQ(WindowsText(WithMergedWindows(halved)), "p1:0-100 p2:5-6 ");
  EXPECT_EQ(WindowsText(WithMergedWindows(WindowsOf(halved).keep({0, 2}))), "p1:0-50 p2:5-6 ");
}

TEST(PlanParts, AShorterPhaseHasNoLaterFaults) {
  const FaultPlan shorter = WithDuration(Plan(), Nanoseconds(2'600'000));
  EXPECT_EQ(shorter.duration_ns(), 2'600'000);
  EXPECT_EQ(shorter.faults_size(), 2);
}

TEST(PlanParts, WhatNamesSomethingThatIsGoneGoesWithIt) {
  const FaultPlan less = WithoutMissing(Plan(), {"m1", "m2", "p2"}, 1);
  ASSERT_EQ(less.faults_size(), 2);  // The kill of p1 and the link from m3 are gone.
  EXPECT_EQ(less.faults(0).power_loss().machines_size(), 2);
  EXPECT_EQ(less.faults(1).partition().side_b_size(), 1);
  // A partition needs two sides; "", where a link goes to, stands for every machine.
  EXPECT_TRUE(WithoutMissing(Plan(), {"m2", "m3"}, 2).faults(1).has_slow_link());
  EXPECT_EQ(OperationsText(less), "bank/0:0-3 ring/0:1,9 ");
  EXPECT_EQ(WindowsText(less), "p2:5-6 ");
}

TEST(PlanParts, Sizes) {
  const PlanSize size = SizeOf(Plan());
  EXPECT_EQ(size.faults, 4u);
  EXPECT_EQ(size.operations, 7u);
  EXPECT_EQ(size.windows, 2u);
  EXPECT_EQ(size.knobs, 2u);
  EXPECT_EQ(size.events(), 13u);
}

}  // namespace
}  // namespace orrery::sim
