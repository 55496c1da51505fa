// Goal: real processes, with all their roles, become a database once it is created, and again after
// the leader's process is killed and after all lost their power; idle, they are cheap.
// Method: five machines in a simulated world, and an operator outside who asks for the status.
#include <gtest/gtest.h>

#include <iostream>
#include <memory>
#include <string>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/base/error_codes.h"
#include "core/rpc/endpoint_message.h"
#include "core/rpc/rpc_knobs.h"
#include "sim/world/world.h"
#include "txn/controller/controller_methods.h"
#include "txn/controller/create_database.h"
#include "txn/coordinator/coordinator_client.h"
#include "txn/worker/server.h"

namespace orrery {
namespace {

constexpr uint16_t kPort = 4500;
constexpr size_t kMachines = 5;

struct Seen {
  std::string created;
  Nominee leader;
  ClusterStatusReply status;
  Time at{};
};

Task<absl::Status> RunOperator(Env* env, const ClusterFile* cluster, Seen* seen) {
  RpcIdentity identity;
  identity.cluster_id = cluster->cluster_name();
  RpcClient rpc(*env, identity);
  if (seen->created.empty()) {
    Configuration configuration;
    configuration.replication = 3;
    absl::Status created = co_await CreateDatabase(*env, rpc, *cluster, configuration, Seconds(20));
    seen->created = Describe(created);
  }
  LeaderWatch watch(*env, rpc, *cluster);
  TaskGroup tasks(env->executor(), [](std::string_view, absl::Status) {});  // It never fails.
  tasks.Spawn("watch", watch.Run());
  for (;;) {
    seen->leader = watch.leader();
    Endpoint controller = FromMessage(seen->leader.endpoint());
    controller.token = kControllerToken;
    absl::StatusOr<Message<ClusterStatusReply>> status = co_await rpc.Call(
        controller, kGetClusterStatus, Message<ClusterStatusRequest>{}, Seconds(1));
    if (status.ok()) {
      seen->status = status->header;
      seen->at = env->clock().Now();
    }
    co_await Sleep(env->clock(), Milliseconds(100));
  }
}

class ServerSimTest : public ::testing::Test {
 protected:
  // Seed 0: default knobs, and nothing rare is forced.
  void Start(uint64_t seed) {
    knobs_.Add<RpcKnobs>();
    AddServerKnobs(knobs_);
    if (seed != 0) knobs_.Randomise(seed);
    world_ = std::make_unique<sim::World>(
        sim::World::Options{.seed = seed, .knobs = &knobs_, .buggify = seed != 0});
    cluster_ = *ClusterFile::Parse("test:server@m0:4500,m1:4500,m2:4500");
    for (size_t i = 0; i < kMachines; ++i) {
      const std::string n = std::to_string(i);
      sim::Machine& machine = world_->AddMachine({.name = "m" + n, .zone = "z" + n});
      ServerOptions options{cluster_, machine.address(kPort), {}, "any"};
      world_->AddProcess(machine, {.name = "p" + n, .main = [options](Env& env) {
                                     return RunServer(env, options);
                                   }});
    }
    sim::Machine& outside = world_->AddMachine({.name = "outside", .zone = "outside"});
    world_->AddProcess(outside, {.name = "operator", .main = [this](Env& env) {
                                   return RunOperator(&env, &cluster_, &seen_);
                                 }});
    for (const auto& process : world_->processes()) process->Start();
  }

  void KillLeader() {
    const NetworkAddress leads = FromMessage(seen_.leader.endpoint()).address;
    for (size_t i = 0; i < kMachines; ++i) {
      if (world_->machines()[i]->address(kPort) == leads) world_->processes()[i]->Kill();
    }
  }

  void LoseAllPower() {
    for (size_t i = 0; i < kMachines; ++i) world_->machines()[i]->PowerOff();
    // Down for a while, so that no answer from before is taken for one from after.
    ASSERT_TRUE(world_->RunUntil(world_->Now() + Seconds(2)));
    for (size_t i = 0; i < kMachines; ++i) world_->machines()[i]->PowerOn();
  }

  // Until a generation above `generation` accepts commits, and how long that took. (Fully recovered
  // it is only once every storage server has drained the old logs, those that are down included.)
  Duration AwaitRecovered(uint64_t generation) {
    const Time start = world_->Now();
    while (seen_.status.generation() <= generation || !seen_.status.state().accepting_commits()) {
      const bool ran = world_->RunUntil(world_->Now() + Milliseconds(50));
      EXPECT_TRUE(ran) << world_->failures()[0].text;
      EXPECT_LT(world_->Now() - start, Seconds(60))
          << seen_.created << "; " << seen_.status.recovery_state() << ", "
          << seen_.status.reason();
      if (HasFailure()) break;
    }
    return world_->Now() - start;
  }

  KnobSet knobs_;
  ClusterFile cluster_;
  Seen seen_;
  std::unique_ptr<sim::World> world_;
};

TEST_F(ServerSimTest, BecomesADatabaseAndComesBack) {
  Start(0);
  std::cout << "created and recovered after " << ToMilliseconds(AwaitRecovered(0)) << " ms\n";
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(seen_.created, "ok");

  const uint64_t before = world_->timeline().events();
  ASSERT_TRUE(world_->RunUntil(world_->Now() + Seconds(30)));
  const uint64_t idle_per_second = (world_->timeline().events() - before) / 30;
  std::cout << "idle: " << idle_per_second << " events per second\n";
  EXPECT_LE(idle_per_second, 1000u);

  const uint64_t first = seen_.status.generation();
  KillLeader();
  std::cout << "leader killed: recovered after " << ToMilliseconds(AwaitRecovered(first))
            << " ms\n";
  ASSERT_FALSE(HasFailure());

  const uint64_t second = seen_.status.generation();
  LoseAllPower();
  std::cout << "all lost power: recovered after " << ToMilliseconds(AwaitRecovered(second))
            << " ms\n";
}

class ServerSeedTest : public ServerSimTest, public ::testing::WithParamInterface<uint64_t> {};

TEST_P(ServerSeedTest, ComesBackWithDrawnKnobsAndRarePathsForced) {
  Start(GetParam());
  AwaitRecovered(0);
  ASSERT_FALSE(HasFailure());
  for (int i = 0; i < 3; ++i) {
    const uint64_t generation = seen_.status.generation();
    if (i == 1) LoseAllPower();
    if (i != 1) KillLeader();
    AwaitRecovered(generation);
    ASSERT_FALSE(HasFailure()) << "death " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ServerSeedTest, ::testing::Range<uint64_t>(1, 31));

}  // namespace
}  // namespace orrery
