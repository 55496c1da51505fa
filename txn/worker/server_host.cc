// Start-up in an order in which what is refused has changed nothing, then four tasks: the
// coordinator (if the cluster file names this process), the watch for the leader, the candidate
// (and, once it leads, the controller), and the worker. The first that fails ends the process.
#include "txn/worker/server_host.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/when_any.h"
#include "core/base/error_codes.h"
#include "core/base/status.h"
#include "core/observe/probe.h"
#include "core/observe/role_trace.h"
#include "core/observe/trace.h"
#include "core/rpc/endpoint_message.h"
#include "txn/controller/controller_methods.h"
#include "txn/coordinator/coordinator.h"
#include "txn/coordinator/coordinator_client.h"
#include "txn/worker/process_file.h"
#include "txn/worker/worker_methods.h"

namespace orrery {

namespace {

constexpr uint64_t kCoordinatorToken = 0;
constexpr char kCoordinatorFile[] = "coordinator";
// Between two looks for the address of a coordinator's name.
constexpr Duration kResolveAgain = Seconds(1);
// Before a process stands again; drawn up to this, so that one whose controller fails at once does
// not spin, and others get their turn.
constexpr Duration kStandAgainMax = Milliseconds(200);

// Whom the coordinators prefer: the position in this list. Who has little else to do leads best.
constexpr std::array<std::string_view, 5> kClasses = {"stateless", "any", "coordinator", "log",
                                                      "storage"};

bool IsAny(const NetworkAddress& address) {
  return address.WithPort(0) == NetworkAddress() || (address.is_v4() && address.v4() == 0);
}

absl::Status CheckOptions(const ServerOptions& options) {
  if (std::find(kClasses.begin(), kClasses.end(), options.process_class) == kClasses.end()) {
    return Error(ErrorCode::invalid_argument,
                 "no process class '" + options.process_class +
                     "'; there are stateless, any, coordinator, log and storage");
  }
  if (IsAny(options.announce) && IsAny(options.listen)) {
    return Error(ErrorCode::invalid_argument, "others cannot reach " + options.listen.ToString() +
                                                  "; announce an address that they can");
  }
  return absl::OkStatus();
}

RpcIdentity IdentityOf(Env& env, const ServerOptions& options) {
  RpcIdentity identity;
  identity.cluster_id = options.cluster.cluster_name();
  identity.process = env.locality().process;
  identity.incarnation = DrawIncarnation(env);
  return identity;
}

class Server {
 public:
  Server(ServerRoles roles, Env& env, const ServerOptions& options, StoreIdentity identity)
      : roles_(roles),
        env_(env),
        options_(options),
        store_identity_(identity),
        rpc_identity_(IdentityOf(env, options)),
        server_(env, rpc_identity_),
        rpc_(env, rpc_identity_),
        leader_(env, rpc_, options.cluster),
        tasks_(env.executor(), [this](std::string_view task, absl::Status status) {
          if (auto e = env_.trace().Warn("ServerTaskFailed")) {
            e.Add("task", task).Add("why", status);
          }
          Stop(std::move(status));
        }) {}

  // Serves until Stop, and gives its status.
  Task<absl::Status> Run() {
    CO_RETURN_IF_ERROR(server_.Listen(options_.listen));
    NetworkAddress reached = IsAny(options_.announce) ? server_.address() : options_.announce;
    if (reached.port() == 0) reached = reached.WithPort(server_.address().port());
    endpoint_ = Endpoint(reached, rpc_identity_.incarnation);
    if (auto e = env_.trace().Info("ServerStarted")) {
      e.Add("address", reached.ToString()).Add("class", options_.process_class);
      e.Add("cluster", options_.cluster.cluster_name());
    }
    tasks_.Spawn("coordinator", Coordinate());
    tasks_.Spawn("watch leader", leader_.Run());
    tasks_.Spawn("candidate", Stand());
    WorkerOptions worker{store_identity_, options_.process_class, endpoint_};
    tasks_.Spawn("worker", roles_.run_worker(ContextFor(kWorkerToken), std::move(worker), leader_));
    co_return co_await stopped_.future();
  }

 private:
  void Stop(absl::Status status) {
    if (!stopped_.is_set()) stopped_.Set(std::move(status));
  }

  RoleContext ContextFor(uint64_t token) {
    // Nobody waits until it is ready: whoever calls it too early tries again.
    return {env_, server_, rpc_, token, Promise<absl::Status>()};
  }

  // Whether `coordinator` is this process; nullopt while its name has no address.
  Task<std::optional<bool>> IsThisProcess(Endpoint coordinator) {
    const NetworkAddress self = endpoint_.address;
    if (coordinator.host.empty()) co_return coordinator.address == self;
    if (coordinator.address.port() != self.port()) co_return false;
    const absl::StatusOr<std::vector<NetworkAddress>> resolved =
        co_await env_.network().Resolve(coordinator.host, self.port());
    if (!resolved.ok()) co_return std::nullopt;
    co_return std::find(resolved->begin(), resolved->end(), self) != resolved->end();
  }

  // Serves as a coordinator if the cluster file names this process, else ends.
  Task<absl::Status> Coordinate() {
    std::vector<Endpoint> unknown = options_.cluster.coordinators;
    while (!unknown.empty()) {
      std::vector<Endpoint> still_unknown;
      for (const Endpoint& coordinator : unknown) {
        const std::optional<bool> self = co_await IsThisProcess(coordinator);
        if (!self.has_value()) {
          still_unknown.push_back(coordinator);
        } else if (*self) {
          TraceRoleBegan(env_.trace(), "coordinator", kCoordinatorToken, 0);
          absl::Status ended =
              co_await RunCoordinator(ContextFor(kCoordinatorToken), kCoordinatorFile);
          TraceRoleEnded(env_.trace(), "coordinator", kCoordinatorToken, Describe(ended));
          if (CodeOf(ended) != ErrorCode::file_corrupt) co_return ended;
          // The register is lost, and counts as silent; what else lives here is served on.
          PROBE(env_, "server.register_damaged");
          if (auto e = env_.trace().Warn("CoordinatorNotServed")) e.Add("why", ended);
          co_return absl::OkStatus();
        }
      }
      unknown = std::move(still_unknown);
      if (!unknown.empty()) co_await Sleep(env_.clock(), kResolveAgain);
    }
    co_return absl::OkStatus();
  }

  Nominee DrawNominee() {
    Nominee self;
    self.set_candidate_id(env_.random("server.candidate").Next() | 1);
    const auto at = std::find(kClasses.begin(), kClasses.end(), options_.process_class);
    self.set_priority(static_cast<uint32_t>(at - kClasses.begin()));
    *self.mutable_endpoint() = ToMessage(endpoint_);
    return self;
  }

  // For ever: stands for election; leads, with a controller, as long as it may; stands again.
  Task<absl::Status> Stand() {
    for (;;) {
      const Nominee self = DrawNominee();
      CO_RETURN_IF_ERROR(co_await BecomeLeader(env_, rpc_, options_.cluster, self));
      if (auto e = env_.trace().Info("LeadershipWon")) e.Add("candidate", self.candidate_id());
      TraceRoleBegan(env_.trace(), "controller", self.candidate_id(), 0);
      auto ended =
          co_await WhenAny(roles_.run_controller(ContextFor(kControllerToken), options_.cluster),
                           KeepLeading(env_, rpc_, options_.cluster, self));
      const bool deposed = ended.index() == 1;
      absl::Status why = deposed ? std::get<1>(ended) : std::get<0>(ended);
      if (deposed) PROBE(env_, "server.deposed");
      if (auto e = env_.trace().Info("LeadershipLost")) {
        e.Add("candidate", self.candidate_id()).Add("deposed", deposed).Add("why", why);
      }
      TraceRoleEnded(env_.trace(), "controller", self.candidate_id(), Describe(why));
      co_await Sleep(env_.clock(),
                     env_.random("server.stand").Between(Duration(0), kStandAgainMax));
    }
  }

  const ServerRoles roles_;
  Env& env_;
  const ServerOptions& options_;
  const StoreIdentity store_identity_;
  const RpcIdentity rpc_identity_;
  Endpoint endpoint_;  // How others reach this life of the process.
  RpcServer server_;
  RpcClient rpc_;
  LeaderWatch leader_;
  Promise<absl::Status> stopped_;
  TaskGroup tasks_;
};

}  // namespace

Task<absl::Status> RunServerOf(ServerRoles roles, Env& env, ServerOptions options) {
  CO_RETURN_IF_ERROR(CheckOptions(options));
  // A port in use is told before anything is written.
  CO_RETURN_IF_ERROR(env.network().Listen(options.listen).status());
  CO_ASSIGN_OR_RETURN(OpenedDirectory directory,
                      co_await OpenProcessDirectory(env, options.cluster));
  Server server(roles, env, options, directory.identity);
  co_return co_await server.Run();
}

}  // namespace orrery
