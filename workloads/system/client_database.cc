// Clients of a scenario's database.
#include "workloads/system/client_database.h"

#include <algorithm>
#include <utility>

#include "core/async/sleep.h"
#include "core/async/timeout.h"
#include "core/base/invariant.h"
#include "core/rpc/endpoint_message.h"
#include "txn/controller/controller_methods.h"

namespace orrery::workloads {
namespace {

constexpr Duration kAttempt = Seconds(2);
constexpr Duration kPause = Milliseconds(200);

Topology SettledTopology(const sim::ClientContext& context) {
  absl::StatusOr<Topology> topology = TopologyOf(context.topology);
  INVARIANT(topology.ok(), "a topology is validated before",
            std::string(topology.status().message()));
  return *std::move(topology);
}

}  // namespace

ClientDatabase::ClientDatabase(const sim::ClientContext& context)
    : topology_(SettledTopology(context)),
      rpc_(context.env, {.cluster_id = topology_.cluster.cluster_name(),
                         .process = context.env.locality().process}),
      database_(context.env, rpc_, topology_.cluster) {}

ClusterObserver::ClusterObserver(Env& env, ClientDatabase& client)
    : env_(env),
      client_(client),
      watch_(env, client.rpc(), client.topology().cluster),
      tasks_(env.executor(),
             [this](std::string_view, absl::Status status) { watch_ended_ = std::move(status); }) {
  tasks_.Spawn("leader_watch", watch_.Run());
}

Task<absl::Status> ClusterObserver::Leader() {
  while (watch_.leader().candidate_id() == 0) co_await watch_.changed().Wait();
  co_return absl::OkStatus();
}

template <class Req, class Rep>
Task<absl::StatusOr<Rep>> ClusterObserver::Ask(Method<Req, Rep> method, Req request,
                                               Duration timeout) {
  const Time deadline = After(env_.clock().Now(), timeout);
  absl::Status last = Error(ErrorCode::timed_out);
  for (;;) {
    CO_RETURN_IF_ERROR(watch_ended_);
    const Duration rest = deadline - env_.clock().Now();
    if (rest <= Duration(0)) {
      co_return Error(ErrorCode::timed_out, "the controller was asked last: " + Describe(last));
    }
    last = co_await Timeout(env_.clock(), std::min(rest, kAttempt), Leader());
    if (last.ok()) {
      Endpoint controller = FromMessage(watch_.leader().endpoint());
      controller.token = kControllerToken;
      absl::StatusOr<Message<Rep>> reply = co_await client_.rpc().Call(
          controller, method, Message<Req>{.header = request}, std::min(rest, kAttempt));
      if (reply.ok()) co_return std::move(reply->header);
      last = reply.status();
    }
    co_await Sleep(env_.clock(), kPause);
  }
}

Task<absl::StatusOr<ClusterStatusReply>> ClusterObserver::Status(Duration timeout) {
  return Ask(kGetClusterStatus, ClusterStatusRequest(), timeout);
}

Task<absl::StatusOr<ClientInfoReply>> ClusterObserver::ClientInfo(Duration timeout) {
  return Ask(kGetClientInfo, ClientInfoRequest(), timeout);
}

}  // namespace orrery::workloads
