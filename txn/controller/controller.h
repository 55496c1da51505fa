// The cluster controller: while its process leads, it recruits a generation on the workers it
// knows, watches every role of it, and starts the next generation when any of them dies. It is not
// needed for safety: two controllers may work at once, and the coordinators' register lets one of
// them win.
#pragma once

#include "core/rpc/role_context.h"
#include "txn/coordinator/cluster_file.h"

namespace orrery {

// Serves under context.token until it is destroyed (its process does not lead any more) or must
// die (the outcome of a write of the register is unknown): the process then stands for election
// again. `cluster` outlives it.
Task<absl::Status> RunController(RoleContext context, const ClusterFile& cluster);

}  // namespace orrery
