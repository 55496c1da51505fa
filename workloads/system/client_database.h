// A client's connection to the database of a scenario, and what it can be asked beside
// transactions: how the cluster is.
#pragma once

#include "core/async/task_group.h"
#include "core/rpc/client.h"
#include "sim/run/workload.h"
#include "txn/client/database.h"
#include "txn/controller/controller.pb.h"
#include "txn/coordinator/coordinator_client.h"
#include "workloads/system/topology.h"

namespace orrery::workloads {

// One for each workload and client. It lies in the frame of whoever uses it, before the tasks that
// do, and is not moved.
class ClientDatabase {
 public:
  // REQUIRES: Deploy took the topology of `context`, which outlives this.
  explicit ClientDatabase(const sim::ClientContext& context);

  Database& database() { return database_; }
  RpcClient& rpc() { return rpc_; }
  const Topology& topology() const { return topology_; }

 private:
  const Topology topology_;
  RpcClient rpc_;
  Database database_;
};

// Asks the controller, wherever it is.
class ClusterObserver {
 public:
  // Both outlive it.
  ClusterObserver(Env& env, ClientDatabase& client);

  // Asks again while nobody leads, or does not answer, for at most `timeout`. Errors: timed_out.
  Task<absl::StatusOr<ClusterStatusReply>> Status(Duration timeout);
  Task<absl::StatusOr<ClientInfoReply>> ClientInfo(Duration timeout);

 private:
  template <class Req, class Rep>
  Task<absl::StatusOr<Rep>> Ask(Method<Req, Rep> method, Req request, Duration timeout);
  Task<absl::Status> Leader();  // Waits until there is one.

  Env& env_;
  ClientDatabase& client_;
  LeaderWatch watch_;
  absl::Status watch_ended_;  // Why nobody is watched for any more.
  TaskGroup tasks_;
};

}  // namespace orrery::workloads
