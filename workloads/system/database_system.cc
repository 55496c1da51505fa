// Deployment, creation, survival policy and recovery of the database.
#include "workloads/system/database_system.h"

#include <utility>

#include "core/async/sleep.h"
#include "core/observe/trace.h"
#include "core/rpc/endpoint_message.h"
#include "storage/server/storage_methods.h"
#include "txn/controller/create_database.h"
#include "txn/worker/server.h"
#include "workloads/system/client_database.h"
#include "workloads/system/database_policy.h"
#include "workloads/system/topology.h"
#include "workloads/workload_list.h"

namespace orrery::workloads {
namespace {

constexpr Duration kPatience = Seconds(5);
constexpr Duration kPause = Milliseconds(200);
constexpr char kRecoveredKey[] = "recovered";  // Written to see that a commit succeeds.

// Asks one storage server until it has applied `version`.
Task<absl::Status> AwaitApplied(Env* env, ClientDatabase* client, Endpoint server,
                                Version version) {
  for (;;) {
    const absl::StatusOr<Message<StorageStatusReply>> status =
        co_await client->rpc().Call(server, kStorageStatus, {}, kPatience);
    // It may have come to life again elsewhere in time: the caller asks where it is now.
    if (!status.ok()) co_return status.status();
    if (status->header.version() >= version) co_return absl::OkStatus();
    co_await Sleep(env->clock(), kPause);
  }
}

// One look. An error says what is missing.
Task<absl::Status> LookRecovered(Env* env, ClientDatabase* client, ClusterObserver* observer) {
  const absl::Status written = co_await client->database().Run(
      [](Transaction& tr) -> Task<absl::Status> { co_return tr.Set(kRecoveredKey, ""); });
  CO_RETURN_IF_ERROR(written);
  Transaction reader = client->database().Begin();
  CO_ASSIGN_OR_RETURN(const Version version, co_await reader.GetReadVersion());
  CO_ASSIGN_OR_RETURN(const ClusterStatusReply status, co_await observer->Status(kPatience));
  if (status.recovery_state() != "fully recovered" || !status.state().accepting_commits()) {
    co_return Error(ErrorCode::process_behind, status.recovery_state());
  }
  if (status.old_log_sets() > 0) co_return Error(ErrorCode::process_behind, "old log sets");
  if (status.storage().empty()) co_return Error(ErrorCode::process_behind, "no storage server");
  for (const StorageTagInfo& storage : status.storage()) {
    const Endpoint server = FromMessage(storage.endpoint());
    CO_RETURN_IF_ERROR(co_await AwaitApplied(env, client, server, version));
  }
  co_return absl::OkStatus();
}

}  // namespace

void DatabaseSystem::AddKnobs(KnobSet& knobs) const { AddServerKnobs(knobs); }

absl::StatusOr<sim::Deployment> DatabaseSystem::Deploy(const sim::Options& options,
                                                       Random& random) const {
  sim::Deployment deployment;
  ASSIGN_OR_RETURN(deployment.drawn, SettleTopology(options, random));
  sim::Options settled = options;
  for (const auto& [key, value] : deployment.drawn) settled.Put(key, value);
  ASSIGN_OR_RETURN(const Topology topology, TopologyOf(settled));
  for (int64_t m = 0; m < topology.machines; ++m) {
    const bool coordinates = m < topology.machines_of_coordinators;
    auto& machine = deployment.machines.emplace_back();
    machine.machine = {.name = coordinates ? CoordinatorMachineName(m) : MachineName(m),
                       .zone = "zone-" + std::to_string(m % topology.zones + 1),
                       .data_center = "dc-1",
                       .region = "region-1"};
    for (int64_t p = 0; p < topology.processes_per_machine; ++p) {
      ServerOptions server;
      server.cluster = topology.cluster;
      server.listen = ServerAddress(m, p);
      if (coordinates) server.process_class = "coordinator";
      machine.processes.push_back({.name = ProcessName(m, p),
                                   .main = [server](Env& env) { return RunServer(env, server); }});
    }
  }
  return deployment;
}

Task<absl::Status> DatabaseSystem::Create(sim::ClientContext context) const {
  ClientDatabase client(context);
  for (bool again = false;; again = true) {
    const absl::Status created =
        co_await CreateDatabase(context.env, client.rpc(), client.topology().cluster,
                                client.topology().configuration, kPatience);
    if (created.ok()) co_return created;
    // An attempt whose end was not seen may have done it.
    if (again && CodeOf(created) == ErrorCode::file_exists) co_return absl::OkStatus();
    if (!IsRetryable(created)) co_return created;
    co_await Sleep(context.env.clock(), kPause);
  }
}

std::unique_ptr<sim::SurvivalPolicy> DatabaseSystem::MakeSurvivalPolicy(sim::World&) const {
  return std::make_unique<DatabasePolicy>();
}

std::unique_ptr<sim::Workload> DatabaseSystem::MakeWorkload(std::string_view name) const {
  return workloads::MakeWorkload(name);
}

std::vector<std::string> DatabaseSystem::WorkloadNames() const {
  return workloads::WorkloadNames();
}

Task<absl::Status> DatabaseSystem::AwaitRecovered(sim::ClientContext context) const {
  ClientDatabase client(context);
  ClusterObserver observer(context.env, client);
  for (;;) {
    const absl::Status recovered = co_await LookRecovered(&context.env, &client, &observer);
    if (recovered.ok()) co_return recovered;
    if (auto e = context.env.trace().Info("NotRecoveredYet")) e.Add("reason", recovered);
    co_await Sleep(context.env.clock(), kPause);
  }
}

}  // namespace orrery::workloads
