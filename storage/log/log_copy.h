// Copying of what a new log must have from the locked logs of the generation before.
#pragma once

#include "core/rpc/role_context.h"
#include "storage/diskqueue/disk_queue.h"
#include "storage/log/log_server.h"
#include "storage/log/log_state.h"

namespace orrery {

// Reads the messages of options.copy_tags in (copy_after, recovery_version] and puts them into
// `queue` and `state`, which are new; durably, with the chain ending at recovery_version. What a
// consumer has popped it does not need: it is left out. Errors: of the last log that was asked, and
// of the queue.
Task<absl::Status> CopyLockedSet(Env& env, RpcClient& rpc, const NewLogOptions& options,
                                 DiskQueue* queue, LogState* state);

}  // namespace orrery
