// The process itself, without the roles: server.h with the worker and the controller handed in.
#pragma once

#include "core/rpc/role_context.h"
#include "txn/worker/server.h"
#include "txn/worker/worker.h"

namespace orrery {

struct ServerRoles {
  Task<absl::Status> (*run_worker)(RoleContext context, WorkerOptions options, LeaderWatch& leader);
  Task<absl::Status> (*run_controller)(RoleContext context, const ClusterFile& cluster);
};

// RunServer of these roles.
Task<absl::Status> RunServerOf(ServerRoles roles, Env& env, ServerOptions options);

}  // namespace orrery
