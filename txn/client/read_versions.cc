// One server of each queue, which asks as long as somebody waits.
#include "txn/client/read_versions.h"

#include <iterator>
#include <utility>

#include "txn/client/client_backoff.h"
#include "txn/client/client_errors.h"
#include "core/async/turn_end.h"
#include "txn/proxy/proxy_methods.h"

namespace orrery {

ReadVersions::ReadVersions(Env& env, Proxies& proxies, TaskGroup& tasks)
    : env_(env), proxies_(proxies), tasks_(tasks), knobs_(env.knobs().Get<ClientKnobs>()) {}

Task<absl::StatusOr<Version>> ReadVersions::Get(TransactionPriority priority) {
  Queue& queue = Of(priority);
  Future<absl::StatusOr<Version>> version = queue.waiting.emplace_back().future();
  if (!queue.served) {
    queue.served = true;
    tasks_.Spawn("client.read_versions", Serve(priority));
  }
  co_return co_await std::move(version);
}

Task<absl::Status> ReadVersions::Serve(TransactionPriority priority) {
  Queue& queue = Of(priority);
  ClientBackoff backoff(env_, knobs_.client_backoff_max);
  Asked asked;
  for (;;) {
    co_await TurnEnd();
    // What is sent now may be shared by everybody who has asked by now: also when it is sent again.
    std::move(queue.waiting.begin(), queue.waiting.end(), std::back_inserter(asked));
    queue.waiting.clear();
    if (asked.empty()) {
      queue.served = false;
      co_return absl::OkStatus();
    }
    absl::StatusOr<Version> version = co_await Ask(priority, asked.size());
    if (!version.ok() && MayPassElsewhere(version.status())) {
      co_await backoff.Wait();
      continue;
    }
    backoff.Reset();
    for (Promise<absl::StatusOr<Version>>& each : asked) each.Set(version);
    asked.clear();
  }
}

Task<absl::StatusOr<Version>> ReadVersions::Ask(TransactionPriority priority, size_t transactions) {
  CO_RETURN_IF_ERROR(co_await proxies_.WaitUntilKnown());
  Message<ReadVersionRequest> request;
  request.header.set_transactions(static_cast<uint32_t>(transactions));
  request.header.set_priority(static_cast<uint32_t>(priority));
  absl::StatusOr<Message<ReadVersionReply>> reply = co_await proxies_.Call(
      Proxies::Kind::kGrv, kGetReadVersion, std::move(request), knobs_.client_call_timeout);
  if (!reply.ok()) co_return std::move(reply).status();
  co_return reply->header.version();
}

}  // namespace orrery
