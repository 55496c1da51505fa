// ConsistencyCheckWorkload: after the run, every shard has as many replicas as the redundancy says,
// in zones of their own, and all of them have the same rows: read from each server directly, at one
// version. Its metrics tell how often the cluster recovered.
//
// It has no options, and does nothing before the check.
#pragma once

#include <set>
#include <string>

#include "txn/proxy/proxy.pb.h"
#include "workloads/load.h"

namespace orrery::workloads {

class ClientDatabase;

class ConsistencyCheckWorkload final : public sim::Workload {
 public:
  absl::Status Configure(const sim::Options& options) override;
  Task<absl::Status> Setup(sim::ClientContext context) override;
  Task<absl::Status> Start(sim::ClientContext context, Time deadline) override;
  Task<absl::Status> Check(sim::ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override { return metrics_; }

 private:
  Task<absl::Status> CheckShards(Env& env, ClientDatabase& client);
  absl::Status CheckTeam(const ShardLocation& shard, uint32_t replication) const;
  Task<absl::Status> CompareShard(Env& env, ClientDatabase& client, ShardLocation shard);

  std::map<std::string, int64_t> metrics_;
};

}  // namespace orrery::workloads
