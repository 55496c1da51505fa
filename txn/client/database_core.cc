// The parts of the client, put together.
#include "txn/client/database_core.h"

#include <utility>

#include "core/observe/trace.h"

namespace orrery {

DatabaseCore::DatabaseCore(Env& env, RpcClient& rpc, std::unique_ptr<ClusterConnection> cluster)
    : env_(env),
      knobs_(env.knobs().Get<ClientKnobs>()),
      cluster_(std::move(cluster)),
      proxies_(env, rpc, *cluster_),
      versions_(env, proxies_, tasks_),
      reads_(env, rpc, proxies_, tasks_),
      committer_(env, proxies_, versions_, reads_),
      tasks_(env.executor(), [this](std::string_view task, absl::Status status) {
        if (auto e = env_.trace().Error("ClientTaskFailed")) {
          e.Add("task", task).Add("error", status);
        }
      }) {
  tasks_.Spawn("client.cluster", cluster_->Run());
}

}  // namespace orrery
