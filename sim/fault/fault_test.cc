// Goal: plans are drawn by the rules of draw.h, read back from text, carried out and healed.
// Method: a world of idle processes on three machines and a client; every kind at least once.
#include <gtest/gtest.h>

#include "core/async/sleep.h"
#include "sim/fault/draw.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/fault/injector.h"
#include "sim/fault/kinds.h"
#include "sim/fault/survival_policy.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

class Policy : public SurvivalPolicy {
 public:
  bool Survives(const World&, const std::vector<const Machine*>& machines, Harm harm) override {
    asked.push_back({machines.size(), harm});
    return allow;
  }
  bool allow = true;
  std::vector<std::pair<size_t, Harm>> asked;
};

Task<absl::Status> Tick(Env* env) {
  while (true) co_await Sleep(env->clock(), Milliseconds(10));
}

class FaultTest : public testing::Test {
 protected:
  std::unique_ptr<World> Make(uint64_t seed) {
    auto world = std::make_unique<World>(World::Options{.seed = seed, .knobs = &knobs});
    for (int i = 0; i < 4; ++i) {
      const std::string n = std::to_string(i);
      Machine& machine = world->AddMachine({.name = "m" + n,
                                            .zone = "z" + std::to_string(i / 2),
                                            .data_center = "dc",
                                            .sheltered = i == 3});
      world->AddProcess(machine, {.name = "p" + n, .main = [](Env& env) { return Tick(&env); }})
          .Start();
    }
    return world;
  }

  static FaultOptions Everything() {
    return {.kinds = {"process", "network", "disk", "clock"},
            .duration = Seconds(60),
            .mean_interval = Milliseconds(300)};
  }

  static FaultPlan OnlyKind(const FaultPlan& plan, std::string_view kind) {
    FaultPlan out;
    for (const Fault& fault : plan.faults()) {
      if (KindOf(fault)->name == kind) *out.add_faults() = fault;
    }
    return out;
  }

  KnobSet knobs;
  Policy policy;
};

TEST_F(FaultTest, EveryKindIsDrawnAndEachIsOffInAGoodShareOfSeeds) {
  std::map<std::string_view, int> seeds_with;
  constexpr int kSeeds = 100;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto world = Make(seed);
    std::map<std::string_view, int> count;
    const FaultPlan plan = DrawFaultPlan(*world, Everything());
    for (const Fault& fault : plan.faults()) {
      ++count[KindOf(fault)->name];
    }
    for (const auto& [kind, n] : count) ++seeds_with[kind];
  }
  for (const FaultKind& kind : AllFaultKinds()) {
    EXPECT_GT(seeds_with[kind.name], kSeeds / 5) << kind.name;
    EXPECT_LT(seeds_with[kind.name], kSeeds * 4 / 5) << kind.name;
  }
}

TEST_F(FaultTest, EveryMemberOfTheOneofHasARow) {
  const auto* one_of = Fault::descriptor()->FindOneofByName("kind");
  ASSERT_EQ(static_cast<size_t>(one_of->field_count()), AllFaultKinds().size());
  for (int i = 0; i < one_of->field_count(); ++i) {
    EXPECT_EQ(one_of->field(i)->name(), AllFaultKinds()[static_cast<size_t>(i)].name);
  }
}

TEST_F(FaultTest, OneKindMoreShiftsNothingOfTheOthers) {
  const auto world = Make(7);
  FaultOptions some = Everything();
  some.kinds = {"clog_link", "power_loss"};
  some.mean_interval = Milliseconds(3000);
  FaultOptions fewer = some;
  // The same rate for clog_link alone: its share of the mean interval is half of that with both.
  fewer.kinds = {"clog_link"};
  fewer.mean_interval = some.mean_interval * 2;
  const FaultPlan with = OnlyKind(DrawFaultPlan(*world, some), "clog_link");
  const FaultPlan without = OnlyKind(DrawFaultPlan(*world, fewer), "clog_link");
  EXPECT_EQ(FaultPlanToText(with), FaultPlanToText(without));
}

TEST_F(FaultTest, SheltersTheClients) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const auto world = Make(seed);
    FaultOptions options = Everything();
    options.kinds = {"process", "disk", "clock"};
    const FaultPlan plan = DrawFaultPlan(*world, options);
    EXPECT_EQ(plan.DebugString().find("m3"), std::string::npos);
    EXPECT_EQ(plan.DebugString().find("p3"), std::string::npos);
  }
}

TEST_F(FaultTest, TextRoundTrip) {
  const auto world = Make(3);
  const FaultPlan plan = DrawFaultPlan(*world, Everything());
  ASSERT_GT(plan.faults_size(), 20);
  const auto back = FaultPlanFromText(FaultPlanToText(plan));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(FaultPlanToText(*back), FaultPlanToText(plan));
}

TEST_F(FaultTest, RefusesBadText) {
  const auto message = [](const std::string& text) {
    const auto plan = FaultPlanFromText(text);
    return plan.ok() ? std::string("ok") : std::string(plan.status().message());
  };
  EXPECT_EQ(message("version: 2"), "the plan has format version 2; this program reads version 1");
  EXPECT_NE(message("version: 1\nfaults { what: 3 }").find("2:"), std::string::npos);
  EXPECT_EQ(message("version: 1 faults { at_ns: 5 }"),
            "fault 1 needs one kind, and no negative at_ns or for_ns");
}

TEST_F(FaultTest, RefusesNamesThatTheWorldDoesNotHave) {
  const auto world = Make(1);
  const auto plan = FaultPlanFromText(
      "version: 1 faults { kill_process { process: \"p1\" } }\n"
      "faults { partition { side_a: \"m0\" side_b: [\"m1\", \"mX\"] } }");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(Injector::Validate(*world, *plan).message(),
            "fault 2 (partition): there is no machine \"mX\"");
}

TEST_F(FaultTest, EveryKindTakesPlaceAndHeals) {
  std::map<std::string, uint64_t> applied;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const auto world = Make(seed);
    const FaultPlan plan = DrawFaultPlan(*world, Everything());
    ASSERT_TRUE(Injector::Validate(*world, plan).ok());
    Injector injector(*world, plan, policy);
    injector.Start();
    ASSERT_TRUE(world->RunUntil(world->Now() + Seconds(60)));
    injector.StopAndHeal();
    ASSERT_TRUE(world->RunUntil(world->Now() + Seconds(5)));
    EXPECT_TRUE(world->network().faults().empty());
    for (const auto& process : world->processes()) {
      EXPECT_TRUE(process->running()) << process->name();
      EXPECT_FALSE(process->paused()) << process->name();
    }
    for (const auto& [kind, count] : injector.applied()) applied[kind] += count;
  }
  for (const FaultKind& kind : AllFaultKinds()) {
    EXPECT_GT(applied[std::string(kind.name)], 0u) << kind.name;
  }
}

TEST_F(FaultTest, AsksThePolicyBeforeItHarms) {
  const auto world = Make(1);
  const auto plan = FaultPlanFromText(
      "version: 1 faults { for_ns: 1000 wipe_disk { machine: \"m0\" } }\n"
      "faults { at_ns: 5 for_ns: 1000 power_loss { machines: [\"m0\", \"m1\"] } }\n"
      "faults { at_ns: 5 rot_bits { machine: \"m0\" bits: 1 } }\n"
      "faults { at_ns: 6 clog_link { from: \"m0\" to: \"m1\" } }");
  ASSERT_TRUE(plan.ok()) << plan.status();
  policy.allow = false;
  Injector injector(*world, *plan, policy);
  injector.Start();
  ASSERT_TRUE(world->RunUntil(world->Now() + Seconds(1)));
  ASSERT_EQ(policy.asked.size(), 3u);
  EXPECT_EQ(policy.asked[0], std::make_pair(size_t{1}, Harm::kDestroyed));
  EXPECT_EQ(policy.asked[1], std::make_pair(size_t{2}, Harm::kVolatile));
  EXPECT_EQ(policy.asked[2], std::make_pair(size_t{1}, Harm::kDamaged));
  EXPECT_EQ(injector.skipped().at("wipe_disk"), 1u);
  EXPECT_EQ(injector.skipped().at("power_loss"), 1u);
  EXPECT_EQ(injector.applied().at("clog_link"), 1u);
  EXPECT_EQ(world->processes()[0]->incarnation(), 1u);
}

TEST_F(FaultTest, TheSamePlanGivesTheSameHash) {
  uint64_t hashes[2];
  for (uint64_t& hash : hashes) {
    const auto world = Make(5);
    const FaultPlan plan = DrawFaultPlan(*world, Everything());
    Injector injector(*world, plan, policy);
    injector.Start();
    ASSERT_TRUE(world->RunUntil(world->Now() + Seconds(60)));
    hash = world->timeline().hash();
  }
  EXPECT_EQ(hashes[0], hashes[1]);
}

}  // namespace
}  // namespace orrery::sim
