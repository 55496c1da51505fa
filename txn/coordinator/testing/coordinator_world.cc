// A driver of faults, and what every process notes about the register and about who leads.
#include "txn/coordinator/testing/coordinator_world.h"

#include <utility>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/base/error_codes.h"
#include "core/base/status.h"
#include "core/rpc/role_context.h"
#include "core/rpc/rpc_knobs.h"
#include "txn/coordinator/coordinator.h"
#include "txn/coordinator/coordinator_client.h"
#include "txn/coordinator/coordinator_knobs.h"

namespace orrery::testing {
namespace {

constexpr uint16_t kPort = 4500;

RpcIdentity IdentityOf(Env& env, const ClusterFile& cluster, bool serves) {
  RpcIdentity identity;
  identity.cluster_id = cluster.cluster_name();
  identity.process = env.locality().process;
  identity.incarnation = serves ? DrawIncarnation(env) : 0;
  return identity;
}

}  // namespace

CoordinatorWorld::CoordinatorWorld(CoordinatorWorldOptions options)
    : options_(options), seen_leaders_(options.machines) {
  knobs_.Add<RpcKnobs>();
  knobs_.Add<CoordinatorKnobs>();
  if (options_.randomise) knobs_.Randomise(options_.seed);
  world_ = std::make_unique<sim::World>(
      sim::World::Options{.seed = options_.seed, .knobs = &knobs_, .buggify = options_.randomise});
  cluster_.description = "test";
  cluster_.id = "coordinators";
  for (size_t i = 0; i < options_.machines; ++i) {
    const std::string n = std::to_string(i);
    sim::Machine& machine = world_->AddMachine({.name = "m" + n, .zone = "z" + n});
    if (i < options_.coordinators) {
      // By address and by name.
      cluster_.coordinators.push_back(i % 2 == 0 ? Endpoint(machine.address(kPort))
                                                 : Endpoint(machine.name(), kPort));
    }
    world_->AddProcess(machine,
                       {.name = "p" + n, .main = [this, i](Env& env) { return RunNode(&env, i); }});
  }
  sim::Machine& outside = world_->AddMachine({.name = "outside", .zone = "outside"});
  world_->AddProcess(outside, {.name = "creator",
                               .main = [this](Env& env) { return RunCreator(&env); },
                               .supervised = false});
  for (const auto& process : world_->processes()) process->Start();
}

CoordinatorWorld::~CoordinatorWorld() = default;

Task<absl::Status> CoordinatorWorld::RunNode(Env* env, size_t self) {
  const RpcIdentity identity = IdentityOf(*env, cluster_, /*serves=*/true);
  RpcServer server(*env, identity);
  CO_RETURN_IF_ERROR(server.Listen(machine(self).address(kPort)));
  RpcClient rpc(*env, identity);
  LeaderWatch watch(*env, rpc, cluster_);
  Promise<absl::Status> ended;
  TaskGroup tasks(env->executor(), [&ended](std::string_view, absl::Status status) {
    if (!ended.is_set()) ended.Set(std::move(status));
  });
  if (self < options_.coordinators) {
    tasks.Spawn("coordinator", RunCoordinator({*env, server, rpc, 0, {}}, "coordinator"));
  }
  if (options_.proposers) tasks.Spawn("propose", Propose(env, &rpc));
  if (options_.candidates) {
    tasks.Spawn("watch", watch.Run());
    tasks.Spawn("note leader", Watch(&watch, self));
    tasks.Spawn("stand", Stand(env, &rpc, self));
  }
  co_return co_await ended.future();
}

// Creates until it is told that it is done. Killed and started again it goes on.
Task<absl::Status> CoordinatorWorld::RunCreator(Env* env) {
  RpcClient rpc(*env, IdentityOf(*env, cluster_, /*serves=*/false));
  while (!created_) {
    absl::Status created = co_await CreateRegister(
        *env, rpc, cluster_, std::to_string(RegisterHistory::kRoot), Seconds(5));
    switch (CodeOf(created)) {
      case ErrorCode::ok:
      case ErrorCode::file_exists:  // Somebody wrote after an earlier call of ours.
      case ErrorCode::not_created:  // Too many were lost since.
        created_ = true;
        break;
      case ErrorCode::timed_out:
        break;
      default:
        history_.Wrong(Describe(created));
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> CoordinatorWorld::Propose(Env* env, RpcClient* rpc) {
  Random& random = env->random("test.propose");
  for (;;) {
    co_await Sleep(env->clock(), random.Between(Duration(0), Milliseconds(400)));
    RegisterClient client(*env, *rpc, cluster_);
    const uint64_t before = history_.last_chosen();
    const absl::StatusOr<std::string> read = co_await client.Read();
    if (!read.ok()) {
      if (CodeOf(read.status()) != ErrorCode::not_created) history_.Wrong(Describe(read.status()));
      continue;
    }
    if (read->empty()) {
      if (before != RegisterHistory::kRoot) history_.Wrong("a read found nothing", before);
      continue;  // Creation is under way.
    }
    const uint64_t value = std::stoull(*read);
    history_.Read(value, before);
    const uint64_t next = history_.Derive(value);
    absl::Status written = co_await client.Write(std::to_string(next), Seconds(3));
    if (written.ok()) history_.Chosen(next);
  }
}

Task<absl::Status> CoordinatorWorld::Stand(Env* env, RpcClient* rpc, size_t self) {
  struct Leads {
    ~Leads() { leaders.erase(process); }
    std::map<size_t, uint64_t>& leaders;
    const size_t process;
  };
  for (;;) {
    Nominee nominee;
    nominee.set_candidate_id(env->random("test.candidate").Next() | 1);
    nominee.set_priority(self % 2);
    CO_RETURN_IF_ERROR(co_await BecomeLeader(*env, *rpc, cluster_, nominee));
    ++elections_;
    leaders_[self] = nominee.candidate_id();
    const Leads leads{leaders_, self};
    CO_RETURN_IF_ERROR(co_await KeepLeading(*env, *rpc, cluster_, nominee));
  }
}

Task<absl::Status> CoordinatorWorld::Watch(LeaderWatch* watch, size_t self) {
  for (;;) {
    seen_leaders_[self] = watch->leader().candidate_id();
    co_await watch->changed().Wait();
  }
}

bool CoordinatorWorld::Run(Duration d) {
  return world_->RunUntil(world_->Now() + d) && history_.wrong().empty();
}

std::string CoordinatorWorld::Why() const {
  if (!history_.wrong().empty()) return history_.wrong();
  return world_->failed() ? world_->failures()[0].kind + ": " + world_->failures()[0].text : "";
}

void CoordinatorWorld::Break(Random& random) {
  const size_t i = random.Below(options_.machines);
  sim::Machine& one = machine(i);
  sim::NetworkFault fault;
  switch (random.Below(7)) {
    case 0:
      process(i).Kill();
      if (one.powered()) process(i).StartAfter(random.Between(Duration(0), Seconds(2)));
      break;
    case 1:
      one.PowerOff();
      break;
    case 2:
      one.disk().FailNextSync();
      break;
    case 3:
      if (random.Chance(OneIn(3)) && i < options_.coordinators &&
          wiped_ < (options_.coordinators - 1) / 2) {
        ++wiped_;
        if (one.powered()) one.PowerOff();
        one.disk().Wipe();
      }
      break;
    case 4:
      creator().Kill();
      creator().StartAfter(random.Between(Duration(0), Seconds(1)));
      break;
    case 5:
      for (size_t m = 0; m < options_.machines; ++m) {
        if (!machine(m).powered()) machine(m).PowerOn();
      }
      break;
    default:
      fault.kind = static_cast<sim::NetworkFaultKind>(random.Below(sim::kNetworkFaultKinds));
      fault.from = {one.host()};
      if (random.Chance(OneIn(2))) fault.to = {machine(random.Below(options_.machines)).host()};
      fault.both_directions = random.Chance(OneIn(2));
      fault.delay = random.Between(Duration(0), Milliseconds(300));
      fault.bytes_per_second = 1000 + random.Below(10'000'000);
      fault.window_bytes = static_cast<uint32_t>(1000 + random.Below(10'000));
      fault.count = static_cast<uint32_t>(1 + random.Below(5));
      world_->network().Begin(fault, world_->Now() + random.Between(Duration(0), Seconds(4)));
  }
}

void CoordinatorWorld::Heal() {
  world_->network().HealAll();
  for (size_t i = 0; i < options_.machines; ++i) {
    machine(i).disk().HealAll();
    if (!machine(i).powered()) machine(i).PowerOn();
    if (!process(i).running()) process(i).StartAfter(Duration());
  }
  if (!created_ && !creator().running()) creator().StartAfter(Duration());
}

}  // namespace orrery::testing
