// The connection to a cluster through its coordinators: they name the leader, and the controller of
// the leader's process names the proxies.
#pragma once

#include <memory>

#include "core/env/env.h"
#include "core/rpc/client.h"
#include "txn/client/cluster_connection.h"
#include "txn/coordinator/cluster_file.h"

namespace orrery {

// REQUIRES: both outlive it; the knobs have ClientKnobs.
std::unique_ptr<ClusterConnection> ConnectThroughCoordinators(Env& env, RpcClient& rpc,
                                                              ClusterFile cluster);

}  // namespace orrery
