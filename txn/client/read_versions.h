// ReadVersions: asks the GRV proxies for read versions, for many transactions at once.
//
// Promise: the version given is at least every commit that was acknowledged, to anyone, before Get
// was awaited. Why: the request whose answer it is was sent after that. So all who ask in one turn
// share a request, and all who ask while one is under way share the next; nobody shares one that
// was sent before.
#pragma once

#include <array>
#include <vector>

#include "core/async/future.h"
#include "core/async/task.h"
#include "core/async/task_group.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "core/env/env.h"
#include "txn/client/client_knobs.h"
#include "txn/client/proxies.h"
#include "txn/client/transaction_options.h"

namespace orrery {

class ReadVersions {
 public:
  // REQUIRES: all outlive it.
  ReadVersions(Env& env, Proxies& proxies, TaskGroup& tasks);

  // Waits for the cluster for as long as it takes. Cancel-safe.
  Task<absl::StatusOr<Version>> Get(TransactionPriority priority);

 private:
  using Asked = std::vector<Promise<absl::StatusOr<Version>>>;
  struct Queue {
    Asked waiting;
    bool served = false;  // Serve runs.
  };

  Task<absl::Status> Serve(TransactionPriority priority);
  Task<absl::StatusOr<Version>> Ask(TransactionPriority priority, size_t transactions);
  Queue& Of(TransactionPriority priority) { return queues_[static_cast<size_t>(priority)]; }

  Env& env_;
  Proxies& proxies_;
  TaskGroup& tasks_;
  const ClientKnobs& knobs_;
  std::array<Queue, 3> queues_;
};

}  // namespace orrery
