// Goal: what was acknowledged is never lost and never changed, consumers get every version once, in
// order, across generations, and nothing that was not known committed.
// Method: three hosts of logs in three zones, two copies, a driver that pushes (out of order,
// twice), recovers and consumes with cursors, while machines lose power, alone and all together,
// processes die, disks fail and the network is bad; compared with a ledger. Then single stories.
#include <gtest/gtest.h>

#include <iostream>

#include "core/observe/probe.h"
#include "storage/log/testing/log_cluster.h"

namespace orrery {
namespace {

using log_testing::Driver;
using log_testing::Host;
using log_testing::Ledger;
using sim::Machine;
using sim::Process;
using sim::World;

constexpr size_t kHosts = 3;
constexpr uint64_t kSeeds = 60;

Tag StorageTag(uint32_t id) { return {TagKind::kStorage, id}; }

const std::vector<Tag> kTags = {StorageTag(0), StorageTag(1), StorageTag(2), kMetadataTag};

struct Trouble {
  explicit Trouble(World& in) : world(in), random(in.Stream("trouble")) {}

  void Begin() {
    Machine& machine = *world.machines()[random.Below(kHosts)];
    switch (random.Below(8)) {
      case 0:
        for (size_t i = 0; i < kHosts; ++i) world.machines()[i]->PowerOff();
        break;
      case 1:
        machine.PowerOff();
        break;
      case 2:
        machine.processes()[0]->Kill();
        break;
      case 3:
        if (random.Chance(OneIn(3))) machine.disk().FailNextSync();
        break;
      case 4:
        machine.disk().SetSlowness(static_cast<uint32_t>(random.Between(1, 50)));
        break;
      case 5:
        BeginOfNetwork();
        break;
      default:
        break;
    }
    if (random.Chance({2, 3})) PowerOn();
  }

  void PowerOn() {
    for (size_t i = 0; i < kHosts; ++i) {
      Machine& machine = *world.machines()[i];
      if (!machine.powered()) machine.PowerOn();
      if (!machine.processes()[0]->running()) machine.processes()[0]->StartAfter(Duration(0));
    }
  }

  void Heal() {
    world.network().HealAll();
    for (const auto& machine : world.machines()) {
      machine->disk().HealAll();
      machine->disk().SetSlowness(1);
    }
    PowerOn();
  }

  void BeginOfNetwork() {
    sim::NetworkFault fault;
    fault.kind = static_cast<sim::NetworkFaultKind>(random.Below(sim::kNetworkFaultKinds));
    fault.from = {world.machines()[random.Below(kHosts + 1)]->host()};
    fault.both_directions = random.Chance(OneIn(2));
    fault.delay = random.Between(Duration(0), Milliseconds(100));
    fault.bytes_per_second = 100'000;
    fault.window_bytes = 10'000;
    fault.count = 1;
    world.network().Begin(fault, world.Now() + random.Between(Milliseconds(1), Seconds(3)));
  }

  World& world;
  Random random;
};

Task<absl::Status> RunDriver(Env* env, std::vector<Host>* hosts, Ledger* ledger, const bool* calm,
                             bool* done) {
  Driver driver(*env, *hosts, *ledger, *calm);
  const absl::Status status = co_await driver.Run(kTags);
  ledger->Expect(status.ok(), "driver: " + Describe(status));
  *done = true;
  co_return status;
}

struct Totals {
  uint64_t recoveries = 0;
  uint64_t discarded = 0;
  uint64_t received = 0;
  std::map<std::string, uint64_t> probes;
};

void RunSeed(uint64_t seed, Totals& totals) {
  KnobSet knobs;
  log_testing::AddKnobs(knobs);
  ASSERT_TRUE(knobs.Set("disk_queue_initial_bytes", "262144").ok());
  knobs.Randomise(seed);
  World world({.seed = seed, .knobs = &knobs});
  std::vector<Host> hosts(kHosts);
  Ledger ledger;
  bool calm = false;
  bool done = false;
  for (size_t i = 0; i < kHosts; ++i) {
    const std::string n = std::to_string(i);
    Machine& machine = world.AddMachine({.name = "m" + n, .zone = "z" + n});
    hosts[i].address = machine.address(log_testing::kPort);
    hosts[i].zone = machine.spec().zone;
    world.AddProcess(machine, {.name = "log" + n, .main = [host = &hosts[i]](Env& env) {
                                 return log_testing::RunHost(&env, host);
                               }});
  }
  Machine& machine = world.AddMachine({.name = "driver", .zone = "z", .sheltered = true});
  world.AddProcess(
      machine, {.name = "driver",
                .main = [&](Env& env) { return RunDriver(&env, &hosts, &ledger, &calm, &done); },
                .supervised = false});
  for (const auto& process : world.processes()) process->Start();
  Trouble trouble(world);
  const auto why = [&] {
    return "seed " + std::to_string(seed) + " " + ledger.wrong +
           (world.failed() ? world.failures()[0].kind + ": " + world.failures()[0].text : "");
  };
  while (world.Now() < Time() + Seconds(40) && ledger.wrong.empty()) {
    const Duration wait = trouble.random.Between(Milliseconds(10), Seconds(2));
    ASSERT_TRUE(world.RunUntil(world.Now() + wait)) << why();
    trouble.Begin();
  }
  trouble.Heal();
  calm = true;
  const Time give_up = world.Now() + Seconds(200);
  while (!done && ledger.wrong.empty() && world.Now() < give_up) {
    ASSERT_TRUE(world.RunUntil(world.Now() + Milliseconds(100))) << why();
  }
  ASSERT_EQ(ledger.wrong, "") << why();
  ASSERT_TRUE(done) << why() << " after " << ledger.recoveries << " recoveries";
  totals.recoveries += ledger.recoveries;
  totals.discarded += ledger.discarded;
  totals.received += ledger.received;
  const std::vector<uint64_t> counts = world.CollectProbes();
  for (size_t i = 0; i < counts.size(); ++i) totals.probes[AllProbeSites()[i].name] += counts[i];
}

TEST(LogSimTest, NothingAcknowledgedIsLostAndConsumersGetItAll) {
  Totals totals;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RunSeed(seed, totals);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(totals.recoveries, kSeeds * 2);
  EXPECT_GT(totals.discarded, 0u);
  EXPECT_GT(totals.received, kSeeds * 50);
  std::cout << "recoveries " << totals.recoveries << ", versions discarded " << totals.discarded
            << ", received " << totals.received << "\n";
  for (const char* name :
       {"log.copied", "log.cursor_asks_another", "log.cursor_at_end_of_set",
        "log.cursor_set_changed", "log.locked_during_sync", "log.locked_read_failed",
        "log.push_again", "log.push_waits_for_previous", "log.reopened", "log.spilled_read"}) {
    EXPECT_GT(totals.probes[name], 0u) << name;
  }
}

}  // namespace
}  // namespace orrery
