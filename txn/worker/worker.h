// The worker of a process: hosts the roles that the controller's recovery recruits, and the logs
// and storage servers that earlier lives of the process left on its disk.
//
// - Storage servers found on disk are always served (token = storage id); stored logs are served
//   locked (token = log id), until a published state of a higher generation does not name them:
//   then the role ends and its directory is removed, durably.
// - A directory whose making was never finished is removed at start.
// - Recruited roles that no published state names end when a state of their generation or a later
//   one is published, or when worker_unpublished_role_max passes without one.
#pragma once

#include <string>

#include "core/rpc/role_context.h"
#include "storage/diskqueue/file_header.h"
#include "txn/coordinator/coordinator_client.h"

namespace orrery {

struct WorkerOptions {
  StoreIdentity identity;     // Of the files of its logs and storage servers.
  std::string process_class;  // See WorkerInfo.
  Endpoint endpoint;          // Of this process in this life: address and incarnation; no token.
};

// Serves kWorkerToken of context.server (context.token is kWorkerToken), registers with the
// controller of the process that `leader` names, and keeps doing so, until a disk failed: the
// process must then end, and is started again by its supervisor. Files: log-ID/ and storage-ID/
// in the root of the process's file system. `leader`, whose Run somebody else spawned, outlives it.
Task<absl::Status> RunWorker(RoleContext context, WorkerOptions options, LeaderWatch& leader);

}  // namespace orrery
