// The processes of the world: servers as they are, and the operator.
#include "txn/controller/testing/recovery_world.h"

#include <optional>
#include <utility>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/base/invariant.h"
#include "core/rpc/client.h"
#include "core/rpc/endpoint_message.h"
#include "core/rpc/rpc_knobs.h"
#include "txn/client/database.h"
#include "txn/controller/controller_methods.h"
#include "txn/controller/create_database.h"
#include "txn/coordinator/coordinator_client.h"
#include "txn/metadata/configuration.h"
#include "txn/worker/server.h"

namespace orrery::testing {
namespace {

constexpr uint16_t kPort = 4500;
constexpr size_t kCoordinators = 3;

Task<absl::Status> Serve(Env* env, const ClusterFile* cluster, NetworkAddress listen) {
  ServerOptions options;
  options.cluster = *cluster;
  options.listen = listen;
  co_return co_await RunServer(*env, std::move(options));
}

void Observe(Observed& observed, const ClusterStatusReply& status) {
  ++observed.answers;
  observed.states.insert(status.recovery_state());
  observed.status = status;
  const LogSystem& system = status.state().log_system();
  if (system.sets().empty()) return;
  observed.generation_max = std::max(observed.generation_max, system.generation());
  // Whoever published it: a generation is one.
  std::set<uint64_t> logs;
  for (const LogMember& log : system.sets().rbegin()->logs()) logs.insert(log.log_id());
  std::set<uint64_t> sequencers;
  for (const RoleInfo& role : status.state().roles()) {
    if (role.kind() == RoleInfo::SEQUENCER) sequencers.insert(role.endpoint().token());
  }
  const auto [known, is_new] = observed.logs.emplace(system.generation(), logs);
  const auto [of_known, also_new] = observed.sequencers.emplace(system.generation(), sequencers);
  if ((known->second != logs || of_known->second != sequencers) && observed.wrong.empty()) {
    observed.wrong = "generation " + std::to_string(system.generation()) + " was published twice";
  }
  for (int i = 1; i < system.sets_size(); ++i) {
    if (system.sets(i - 1).end() != system.sets(i).begin() && observed.wrong.empty()) {
      observed.wrong = "a gap between log sets";
    }
  }
}

std::string RowValue(uint64_t row, size_t bytes) {
  return std::to_string(row) + std::string(bytes, '.');
}

std::string RowKey(uint64_t row) { return "row/" + std::to_string(row); }

// One row after the other, for ever.
Task<absl::Status> WriteRows(Env* env, Database* database, size_t bytes, Observed* observed) {
  for (uint64_t row = 1;; ++row) {
    absl::Status done = co_await database->Run([row, bytes](Transaction& tr) -> Task<absl::Status> {
      co_return tr.Set(RowKey(row), RowValue(row, bytes));
    });
    if (done.ok()) observed->acknowledged.insert(row);
    co_await Sleep(env->clock(), Milliseconds(20));
  }
}

// When it is wanted: all that was acknowledged by then, in one transaction.
Task<absl::Status> ReadRows(Env* env, Database* database, size_t bytes, bool* wanted,
                            Observed* observed) {
  for (;;) {
    co_await Sleep(env->clock(), Milliseconds(100));
    if (!std::exchange(*wanted, false)) continue;
    const std::set<uint64_t> rows = observed->acknowledged;
    std::string missing;
    absl::Status read = co_await database->Run([&](Transaction& tr) -> Task<absl::Status> {
      missing.clear();
      for (const uint64_t row : rows) {
        CO_ASSIGN_OR_RETURN(const std::optional<std::string> value, co_await tr.Get(RowKey(row)));
        if (value != RowValue(row, bytes)) missing += " " + std::to_string(row);
      }
      co_return absl::OkStatus();
    });
    if (!read.ok()) missing = " all: " + Describe(read);
    if (!missing.empty() && observed->wrong.empty()) observed->wrong = "rows lost:" + missing;
    observed->rows_read = rows.size();
  }
}

Task<absl::Status> RunOperator(Env* env, const ClusterFile* cluster, Configuration configuration,
                               bool writes, size_t row_bytes, bool* read_wanted,
                               Observed* observed) {
  RpcIdentity identity;
  identity.cluster_id = cluster->cluster_name();
  RpcClient rpc(*env, identity);
  while (!observed->created) {
    absl::Status created = co_await CreateDatabase(*env, rpc, *cluster, configuration, Seconds(10));
    observed->created = created.ok() || CodeOf(created) == ErrorCode::file_exists;
  }
  LeaderWatch leader(*env, rpc, *cluster);
  Database database(*env, rpc, *cluster);
  TaskGroup tasks(env->executor(), [](std::string_view, absl::Status) {});  // It never fails.
  tasks.Spawn("watch", leader.Run());
  if (writes) tasks.Spawn("write", WriteRows(env, &database, row_bytes, observed));
  tasks.Spawn("read", ReadRows(env, &database, row_bytes, read_wanted, observed));
  for (;;) {
    Endpoint controller = FromMessage(leader.leader().endpoint());
    controller.token = kControllerToken;
    absl::StatusOr<Message<ClusterStatusReply>> status = co_await rpc.Call(
        controller, kGetClusterStatus, Message<ClusterStatusRequest>{}, Seconds(1));
    if (status.ok()) Observe(*observed, status->header);
    co_await Sleep(env->clock(), Milliseconds(100));
  }
}

}  // namespace

RecoveryWorld::RecoveryWorld(RecoveryWorldOptions options) : options_(std::move(options)) {
  knobs_.Add<RpcKnobs>();
  AddServerKnobs(knobs_);
  if (options_.randomise_knobs) knobs_.Randomise(options_.seed);
  for (const std::string& knob : options_.knobs) INVARIANT(knobs_.SetFromText(knob).ok());
  world_ = std::make_unique<sim::World>(
      sim::World::Options{.seed = options_.seed, .knobs = &knobs_, .buggify = true});
  cluster_.description = "test";
  cluster_.id = "recovery";
  for (size_t i = 0; i < options_.machines; ++i) {
    sim::Machine& machine = world_->AddMachine(
        {.name = "m" + std::to_string(i), .zone = "z" + std::to_string(i % options_.zones)});
    const NetworkAddress listen = machine.address(kPort);
    if (i < kCoordinators) cluster_.coordinators.push_back(Endpoint(listen));
    const auto main = [this, listen](Env& env) { return Serve(&env, &cluster_, listen); };
    world_->AddProcess(machine, {.name = "p" + std::to_string(i), .main = main});
  }
  Configuration configuration;
  INVARIANT(configuration.Set("redundancy", options_.redundancy).ok());
  sim::Machine& outside =
      world_->AddMachine({.name = "operator", .zone = "outside", .sheltered = true});
  const auto main = [this, configuration](Env& env) {
    return RunOperator(&env, &cluster_, configuration, options_.writes, options_.row_bytes,
                       &read_wanted_, &observed_);
  };
  world_->AddProcess(outside, {.name = "operator", .main = main});
  for (const auto& process : world_->processes()) process->Start();
}

RecoveryWorld::~RecoveryWorld() = default;

void RecoveryWorld::StartAll() {
  for (size_t i = 0; i < machines(); ++i) {
    if (!machine(i).powered()) machine(i).PowerOn();
    if (!process(i).running()) process(i).Start();
  }
}

bool RecoveryWorld::RunUntilRecovered(uint64_t generation, Duration most) {
  const Time end = world_->Now() + most;
  while (world_->Now() < end) {
    if (!Run(Milliseconds(200)) || !observed_.wrong.empty()) return false;
    const ClusterStatusReply& status = observed_.status;
    if (status.state().accepting_commits() && status.generation() > generation &&
        status.recovery_state() == "fully recovered") {
      return true;
    }
  }
  return false;
}

bool RecoveryWorld::RunUntilRowsRead(Duration most) {
  observed_.rows_read = 0;
  read_wanted_ = true;
  const Time end = world_->Now() + most;
  while (world_->Now() < end && observed_.rows_read == 0) {
    if (!Run(Milliseconds(100))) return false;
  }
  return observed_.rows_read > 0 && observed_.wrong.empty();
}

}  // namespace orrery::testing
