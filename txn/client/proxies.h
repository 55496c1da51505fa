// Proxies: calls to any one of a generation's proxies.
#pragma once

#include <utility>
#include <variant>
#include <vector>

#include "core/async/task.h"
#include "core/async/when_any.h"
#include "core/base/status.h"
#include "core/env/env.h"
#include "core/rpc/client.h"
#include "txn/client/cluster_connection.h"

namespace orrery {

class Proxies {
 public:
  enum class Kind : uint8_t { kGrv, kCommit };

  // REQUIRES: all outlive it.
  Proxies(Env& env, RpcClient& rpc, ClusterConnection& cluster)
      : env_(env), rpc_(rpc), cluster_(cluster) {}

  // Waits until there are proxies, for ever.
  Task<absl::Status> WaitUntilKnown() {
    while (Of(Kind::kGrv).empty() || Of(Kind::kCommit).empty()) {
      co_await cluster_.changed().Wait();
    }
    co_return absl::OkStatus();
  }

  // One call to one of them, drawn at random. generation_ended when another generation began before
  // the answer came: the old one's may never come. REQUIRES: they are known.
  template <class Req, class Rep>
  Task<absl::StatusOr<Message<Rep>>> Call(Kind kind, Method<Req, Rep> method, Message<Req> request,
                                          Duration timeout) {
    const std::vector<Endpoint>& proxies = Of(kind);
    Endpoint to = proxies[env_.random("client.proxy").Below(proxies.size())];
    auto first = co_await WhenAny(rpc_.Call(std::move(to), method, std::move(request), timeout),
                                  GenerationEnds());
    if (first.index() == 1) co_return std::get<1>(std::move(first));
    co_return std::get<0>(std::move(first));
  }

 private:
  const std::vector<Endpoint>& Of(Kind kind) const {
    const ProxyList& proxies = cluster_.proxies();
    return kind == Kind::kGrv ? proxies.grv_proxies : proxies.commit_proxies;
  }

  Task<absl::Status> GenerationEnds() {
    const uint64_t generation = cluster_.proxies().generation;
    while (cluster_.proxies().generation == generation) co_await cluster_.changed().Wait();
    co_return Error(ErrorCode::generation_ended);
  }

  Env& env_;
  RpcClient& rpc_;
  ClusterConnection& cluster_;
};

}  // namespace orrery
