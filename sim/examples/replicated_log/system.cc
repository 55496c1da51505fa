// Deployment, survival policy and recovery of the replicated log.
#include "sim/examples/replicated_log/system.h"

#include <utility>

#include "core/async/sleep.h"
#include "core/base/invariant.h"
#include "sim/examples/replicated_log/log_client.h"
#include "sim/examples/replicated_log/register_workload.h"
#include "sim/examples/replicated_log/replica.h"
#include "sim/examples/replicated_log/replica_knobs.h"

namespace orrery::sim::replicated_log {
namespace {

constexpr uint16_t kPort = 4500;
constexpr uint32_t kFirstAddress = 0x0a000001;  // 10.0.0.1: as System::Deploy says.
constexpr int64_t kMachinesMax = 15;

absl::StatusOr<int64_t> MachinesOf(const Options& topology) {
  ASSIGN_OR_RETURN(const int64_t machines, topology.Integer("machines", 5, 1, kMachinesMax));
  if (machines % 2 == 0) return topology.Refuse("machines", "an even number survives no more");
  return machines;
}

std::string MachineName(int64_t number) { return "machine-" + std::to_string(number); }

// Replicas that are down or cut off come back with all they acknowledged, whatever their number:
// until a majority is back nothing is served. But whoever loses durable bytes has forgotten votes
// and acknowledgements, and there is no repair from the others: not even one may.
class ReplicatedLogPolicy final : public SurvivalPolicy {
 public:
  bool Survives(const World&, const std::vector<const Machine*>&, Harm harm) override {
    return harm == Harm::kUnavailable || harm == Harm::kVolatile;
  }
};

}  // namespace

std::vector<Endpoint> ReplicasOf(const Options& topology) {
  const absl::StatusOr<int64_t> machines = MachinesOf(topology);
  INVARIANT(machines.ok());
  std::vector<Endpoint> replicas;
  for (int64_t i = 1; i <= *machines; ++i) replicas.emplace_back(MachineName(i), kPort);
  return replicas;
}

void ReplicatedLogSystem::AddKnobs(KnobSet& knobs) const { knobs.Add<ReplicaKnobs>(); }

absl::StatusOr<Deployment> ReplicatedLogSystem::Deploy(const Options& topology, Random&) const {
  ASSIGN_OR_RETURN(const int64_t machines, MachinesOf(topology));
  ASSIGN_OR_RETURN(const int64_t zones, topology.Integer("zones", 3, 1, kMachinesMax));
  ReplicaOptions options;
  for (const Endpoint& endpoint : ReplicasOf(topology)) {
    options.members.push_back({"replica-" + std::to_string(options.members.size() + 1), endpoint});
  }
  Deployment deployment;
  for (int64_t i = 0; i < machines; ++i) {
    options.self = static_cast<uint32_t>(i + 1);
    const auto& self = options.members[static_cast<size_t>(i)];
    options.listen = NetworkAddress::V4(kFirstAddress + static_cast<uint32_t>(i), kPort);
    deployment.machines.push_back({.machine = {.name = MachineName(i + 1),
                                               .zone = "zone-" + std::to_string(i % zones + 1),
                                               .data_center = "dc-1",
                                               .region = "region-1"},
                                   .processes = {{.name = self.name, .main = [options](Env& env) {
                                                    return RunReplica(env, options);
                                                  }}}});
  }
  return deployment;
}

std::unique_ptr<SurvivalPolicy> ReplicatedLogSystem::MakeSurvivalPolicy(World&) const {
  return std::make_unique<ReplicatedLogPolicy>();
}

std::unique_ptr<Workload> ReplicatedLogSystem::MakeWorkload(std::string_view name) const {
  if (name == "register") return std::make_unique<RegisterWorkload>();
  return nullptr;
}

std::vector<std::string> ReplicatedLogSystem::WorkloadNames() const { return {"register"}; }

// Recovered: every replica has applied the same, and a read is served.
Task<absl::Status> ReplicatedLogSystem::AwaitRecovered(ClientContext context) const {
  LogClient client(context.env, ReplicasOf(context.topology));
  for (;;) {
    const absl::StatusOr<uint64_t> keys = co_await client.Count(Seconds(10));
    uint32_t same = 0;
    absl::StatusOr<StatusReply> first = co_await client.Status(1, Seconds(2));
    for (uint32_t replica = 1; first.ok() && replica <= client.replicas(); ++replica) {
      const absl::StatusOr<StatusReply> status = co_await client.Status(replica, Seconds(2));
      same += status.ok() && status->applied_index() == first->applied_index();
    }
    if (keys.ok() && same == client.replicas()) co_return absl::OkStatus();
    co_await Sleep(context.env.clock(), Milliseconds(200));
  }
}

}  // namespace orrery::sim::replicated_log
