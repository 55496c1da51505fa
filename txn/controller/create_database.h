// Creates a database, once, explicitly. An empty disk never invents one.
#pragma once

#include "core/base/status.h"
#include "core/env/env.h"
#include "core/rpc/client.h"
#include "txn/coordinator/cluster_file.h"
#include "txn/metadata/configuration.h"

namespace orrery {

// Forms and seals the register on all coordinators of `cluster` and writes the record with which
// the first generation begins. Errors: file_exists (a database was created there before; nothing
// changed), timed_out (names the coordinators that did not answer: all must).
Task<absl::Status> CreateDatabase(Env& env, RpcClient& rpc, const ClusterFile& cluster,
                                  const Configuration& configuration, Duration timeout);

}  // namespace orrery
