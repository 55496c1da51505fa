// The blocking client's usual way to a cluster.
#include <utility>

#include "txn/client/blocking_database.h"

namespace orrery {

ConnectOnLoop ConnectByClusterFile(ClusterFile cluster) {
  return [cluster = std::move(cluster)](Env& env) {
    LoopDatabase made;
    made.rpc = std::make_unique<RpcClient>(
        env, RpcIdentity{cluster.cluster_name(), env.locality().process});
    made.database = std::make_unique<Database>(env, *made.rpc, cluster);
    return made;
  };
}

}  // namespace orrery
