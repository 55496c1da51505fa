// The roles that a real process has, and the knobs of all of them.
#include "txn/worker/server.h"

#include <utility>

#include "storage/diskqueue/disk_queue_knobs.h"
#include "storage/engine/memory_engine_knobs.h"
#include "storage/log/log_knobs.h"
#include "storage/server/storage_knobs.h"
#include "txn/client/client_knobs.h"
#include "txn/controller/controller.h"
#include "txn/controller/controller_knobs.h"
#include "txn/coordinator/coordinator_knobs.h"
#include "txn/proxy/commit_proxy_knobs.h"
#include "txn/proxy/grv_proxy_knobs.h"
#include "txn/recovery/recovery_knobs.h"
#include "txn/resolver/resolver_knobs.h"
#include "txn/sequencer/sequencer_knobs.h"
#include "txn/worker/server_host.h"
#include "txn/worker/worker.h"
#include "txn/worker/worker_knobs.h"

namespace orrery {

void AddServerKnobs(KnobSet& knobs) {
  knobs.Add<DiskQueueKnobs>();
  knobs.Add<MemoryEngineKnobs>();
  knobs.Add<LogKnobs>();
  knobs.Add<StorageKnobs>();
  knobs.Add<CoordinatorKnobs>();
  knobs.Add<SequencerKnobs>();
  knobs.Add<ResolverKnobs>();
  knobs.Add<GrvProxyKnobs>();
  knobs.Add<CommitProxyKnobs>();
  knobs.Add<ClientKnobs>();
  knobs.Add<RecoveryKnobs>();
  knobs.Add<ControllerKnobs>();
  knobs.Add<WorkerKnobs>();
}

Task<absl::Status> RunServer(Env& env, ServerOptions options) {
  co_return co_await RunServerOf({&RunWorker, &RunController}, env, std::move(options));
}

}  // namespace orrery
