// DatabaseCore: what all transactions of a Database share.
#pragma once

#include <memory>

#include "core/async/task_group.h"
#include "core/env/env.h"
#include "core/rpc/client.h"
#include "txn/client/cluster_connection.h"
#include "txn/client/committer.h"
#include "txn/client/proxies.h"
#include "txn/client/read_versions.h"
#include "txn/client/shard_reads.h"
#include "txn/client/write_map.h"

namespace orrery {

class DatabaseCore {
 public:
  // REQUIRES: both references outlive it; the knobs have ClientKnobs and RpcKnobs.
  DatabaseCore(Env& env, RpcClient& rpc, std::unique_ptr<ClusterConnection> cluster);
  DatabaseCore(const DatabaseCore&) = delete;
  DatabaseCore& operator=(const DatabaseCore&) = delete;

  Env& env() { return env_; }
  const ClientKnobs& knobs() const { return knobs_; }
  ReadVersions& versions() { return versions_; }
  ShardReads& reads() { return reads_; }
  Committer& committer() { return committer_; }
  // For reads that do not see own writes.
  const WriteMap& nothing_written() const { return nothing_written_; }

 private:
  Env& env_;
  const ClientKnobs& knobs_;
  const std::unique_ptr<ClusterConnection> cluster_;
  Proxies proxies_;
  ReadVersions versions_;
  ShardReads reads_;
  Committer committer_;
  const WriteMap nothing_written_;
  TaskGroup tasks_;
};

}  // namespace orrery
