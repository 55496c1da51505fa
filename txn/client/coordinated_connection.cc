// One long poll at the controller of whoever leads.
#include "txn/client/coordinated_connection.h"

#include <utility>
#include <variant>

#include "core/async/sleep.h"
#include "core/async/when_any.h"
#include "core/base/invariant.h"
#include "core/env/buggify.h"
#include "core/rpc/endpoint_message.h"
#include "txn/client/client_backoff.h"
#include "txn/client/client_knobs.h"
#include "txn/controller/controller_methods.h"
#include "txn/coordinator/coordinator_client.h"

namespace orrery {
namespace {

// How much later than asked for a long poll's answer may come.
constexpr Duration kPollGrace = Seconds(5);

class CoordinatedConnection final : public ClusterConnection {
 public:
  CoordinatedConnection(Env& env, RpcClient& rpc, ClusterFile cluster)
      : env_(env),
        rpc_(rpc),
        knobs_(env.knobs().Get<ClientKnobs>()),
        cluster_(std::move(cluster)),
        leader_(env, rpc, cluster_) {}

  Task<absl::Status> Run() override {
    const auto ended = co_await WhenAny(leader_.Run(), FollowController());
    co_return std::visit([](const absl::Status& status) { return status; }, ended);
  }

 private:
  Task<absl::Status> FollowController() {
    ClientBackoff backoff(env_, knobs_.client_backoff_max);
    for (;;) {
      while (leader_.leader().candidate_id() == 0) co_await leader_.changed().Wait();
      // Another leader ends the wait for an answer of this one.
      auto first = co_await WhenAny(Ask(), LeaderChanged());
      if (first.index() == 1) continue;
      absl::StatusOr<Message<ClientInfoReply>>& reply = std::get<0>(first);
      if (!reply.ok()) {
        co_await backoff.Wait();
        continue;
      }
      backoff.Reset();
      // Until it learns of the next generation, it asks the proxies of the last one.
      if (Buggify(env_, "published_state.late", OneIn(2))) {
        co_await Sleep(env_.clock(), env_.random("published_state.late").Between({}, Seconds(5)));
      }
      Learn(reply->header);
    }
  }

  Task<absl::StatusOr<Message<ClientInfoReply>>> Ask() {
    Endpoint controller = FromMessage(leader_.leader().endpoint());
    controller.token = kControllerToken;
    Message<ClientInfoRequest> request;
    request.header.set_known_generation(proxies().generation);
    request.header.set_wait_us(
        static_cast<uint64_t>(ToNanoseconds(knobs_.client_info_wait) / 1000));
    co_return co_await rpc_.Call(std::move(controller), kGetClientInfo, std::move(request),
                                 knobs_.client_info_wait + kPollGrace);
  }

  Task<absl::Status> LeaderChanged() {
    co_await leader_.changed().Wait();
    co_return absl::OkStatus();
  }

  void Learn(const ClientInfoReply& reply) {
    if (reply.generation() == proxies().generation) return;
    ProxyList list;
    list.generation = reply.generation();
    for (const EndpointMessage& at : reply.grv_proxies())
      list.grv_proxies.push_back(FromMessage(at));
    for (const EndpointMessage& at : reply.commit_proxies()) {
      list.commit_proxies.push_back(FromMessage(at));
    }
    SetProxies(std::move(list));
  }

  Env& env_;
  RpcClient& rpc_;
  const ClientKnobs& knobs_;
  const ClusterFile cluster_;
  LeaderWatch leader_;
};

}  // namespace

std::unique_ptr<ClusterConnection> ConnectThroughCoordinators(Env& env, RpcClient& rpc,
                                                              ClusterFile cluster) {
  return std::make_unique<CoordinatedConnection>(env, rpc, std::move(cluster));
}

}  // namespace orrery
