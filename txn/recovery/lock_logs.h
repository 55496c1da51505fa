// Locking the logs of the generation that ends, until what they answer suffices for a decision.
#pragma once

#include "core/base/status.h"
#include "core/env/env.h"
#include "core/rpc/client.h"
#include "storage/log/log.pb.h"
#include "txn/recovery/recovery.h"
#include "txn/recovery/recovery_version.h"

namespace orrery {

// Asks every log of `set`, the silent ones again and again, and decides anew with each answer. Logs
// that `host` distrusts are locked, too, but count as silent. Once a decision is possible, waits a
// little for those that have not answered at all. For ever if need be, reporting for whom.
// check_failed when no answer can help.
Task<absl::StatusOr<RecoveryDecision>> LockLogs(Env& env, RpcClient& rpc, LogSet set,
                                                uint64_t generation, RecoveryHost& host);

}  // namespace orrery
