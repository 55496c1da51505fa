// A Database that connects through coordinators.
#include "txn/client/database.h"

#include <utility>

#include "txn/client/coordinated_connection.h"
#include "txn/client/database_core.h"

namespace orrery {

Database::Database(Env& env, RpcClient& rpc, ClusterFile cluster)
    : core_(std::make_shared<DatabaseCore>(
          env, rpc, ConnectThroughCoordinators(env, rpc, std::move(cluster)))) {}

}  // namespace orrery
