// Goal: a client finds the proxies through the coordinators, and finds them again whenever another
// process leads or another generation begins.
// Method: real coordinators and elections in a simulated world; the leader answers as a controller
// whose generation the test changes; coordinators and leaders are killed in turn.
#include "txn/client/coordinated_connection.h"

#include <gtest/gtest.h>

#include "core/async/sleep.h"
#include "core/rpc/endpoint_message.h"
#include "core/rpc/role_context.h"
#include "core/rpc/rpc_knobs.h"
#include "sim/world/world.h"
#include "txn/client/client_knobs.h"
#include "txn/controller/controller_methods.h"
#include "txn/coordinator/coordinator.h"
#include "txn/coordinator/coordinator_client.h"
#include "txn/coordinator/coordinator_knobs.h"

namespace orrery {
namespace {

constexpr uint16_t kPort = 4500;
constexpr size_t kCoordinators = 3;
constexpr size_t kCandidates = 2;
constexpr Duration kFollowMax = Seconds(30);  // From a change until the client knows.

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() {
    knobs_.Add<RpcKnobs>();
    knobs_.Add<ClientKnobs>();
    knobs_.Add<CoordinatorKnobs>();
    cluster_.description = "test";
    cluster_.id = "abc";
  }

  void Start(uint64_t seed) {
    if (seed > 1) knobs_.Randomise(seed);
    world_ = std::make_unique<sim::World>(sim::World::Options{.seed = seed, .knobs = &knobs_});
    for (size_t i = 0; i < kCoordinators; ++i) {
      sim::Machine& machine = world_->AddMachine({.name = "coordinator" + std::to_string(i)});
      cluster_.coordinators.push_back(machine.address(kPort));
      Add(machine, [this, &machine](Env& env) { return RunCoordinatorOn(&env, &machine); });
    }
    for (size_t i = 0; i < kCandidates; ++i) {
      sim::Machine& machine = world_->AddMachine({.name = "candidate" + std::to_string(i)});
      Add(machine, [this, &machine, i](Env& env) { return RunCandidate(&env, &machine, i); });
    }
    sim::Machine& machine = world_->AddMachine({.name = "client"});
    Add(machine, [this](Env& env) { return RunClient(&env); });
    for (const auto& process : world_->processes()) process->Start();
  }

  void Add(sim::Machine& machine, sim::ProcessMain main) {
    world_->AddProcess(machine, {.name = machine.name(), .main = std::move(main)});
  }

  Task<absl::Status> RunCoordinatorOn(Env* env, sim::Machine* machine) {
    const RpcIdentity identity{cluster_.cluster_name(), machine->name(), DrawIncarnation(*env)};
    RpcServer server(*env, identity);
    RpcClient rpc(*env, identity);
    CO_RETURN_IF_ERROR(server.Listen(machine->address(kPort)));
    RoleContext context{*env, server, rpc, 0, {}};
    co_return co_await RunCoordinator(std::move(context), "register");
  }

  // Stands for election, and tells clients the test's generation while it leads.
  Task<absl::Status> RunCandidate(Env* env, sim::Machine* machine, size_t which) {
    const RpcIdentity identity{cluster_.cluster_name(), machine->name(), DrawIncarnation(*env)};
    RpcServer server(*env, identity);
    RpcClient rpc(*env, identity);
    CO_RETURN_IF_ERROR(server.Listen(machine->address(kPort)));
    Nominee self;
    self.set_candidate_id(env->random("test").Next() | 1);
    *self.mutable_endpoint() = ToMessage(server.endpoint());
    for (;;) {
      CO_RETURN_IF_ERROR(co_await BecomeLeader(*env, rpc, cluster_, self));
      leader_ = which;
      server.Handle(
          kGetClientInfo,
          [this, env, at = server.endpoint()](Message<ClientInfoRequest> request, CallInfo) {
            return ClientInfo(env, at, std::move(request));
          },
          kControllerToken);
      CO_RETURN_IF_ERROR(co_await KeepLeading(*env, rpc, cluster_, self));
      server.StopHandling(kControllerToken);
    }
  }

  Task<absl::StatusOr<Message<ClientInfoReply>>> ClientInfo(Env* env, Endpoint self,
                                                            Message<ClientInfoRequest> request) {
    const Time end =
        env->clock().Now() + Microseconds(static_cast<int64_t>(request.header.wait_us()));
    while (generation_ == request.header.known_generation() && env->clock().Now() < end) {
      co_await Sleep(env->clock(), Milliseconds(20));
    }
    Message<ClientInfoReply> reply;
    reply.header.set_generation(generation_);
    *reply.header.add_grv_proxies() = ToMessage(self);
    *reply.header.add_commit_proxies() = ToMessage(self);
    co_return reply;
  }

  Task<absl::Status> RunClient(Env* env) {
    RpcClient rpc(*env, {cluster_.cluster_name(), "client"});
    const auto connection = ConnectThroughCoordinators(*env, rpc, cluster_);
    TaskGroup tasks(env->executor(), [this](std::string_view, absl::Status status) {
      world_->Fail("check", Describe(status));
    });
    tasks.Spawn("connection", connection->Run());
    for (;;) {
      known_ = connection->proxies();
      co_await connection->changed().Wait();
    }
  }

  // Until the client knows the generation that is now.
  void ExpectFollowed() {
    const Time end = world_->Now() + kFollowMax;
    while (known_.generation != generation_ && world_->Now() < end) {
      ASSERT_TRUE(world_->RunUntil(world_->Now() + Milliseconds(50))) << world_->failures()[0].text;
    }
    ASSERT_EQ(known_.generation, generation_);
    EXPECT_EQ(known_.grv_proxies.size(), 1u);
    EXPECT_EQ(known_.commit_proxies.size(), 1u);
  }

  KnobSet knobs_;
  ClusterFile cluster_;
  uint64_t generation_ = 1;
  size_t leader_ = 0;
  ProxyList known_;
  std::unique_ptr<sim::World> world_;
};

TEST_F(ConnectionTest, FollowsLeadersAndGenerations) {
  for (uint64_t seed = 1; seed <= 10 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    world_ = nullptr;
    cluster_.coordinators.clear();
    known_ = {};
    Start(seed);
    ExpectFollowed();
    ++generation_;
    ExpectFollowed();
    // One coordinator is too few to matter.
    world_->FindProcess("coordinator1")->Kill();
    ++generation_;
    ExpectFollowed();
    for (int i = 0; i < 3; ++i) {
      sim::Process& leader = *world_->FindProcess("candidate" + std::to_string(leader_));
      leader.Kill();
      ++generation_;
      ExpectFollowed();
      leader.Start();
    }
  }
}

}  // namespace
}  // namespace orrery
