// The process of a replica: ReplicaState with a log file, a network and timers around it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/env/env.h"
#include "core/rpc/endpoint.h"

namespace orrery::sim::replicated_log {

struct ReplicaOptions {
  struct Member {
    std::string name;  // Also the common name of its certificate, with TLS.
    Endpoint endpoint;
  };
  // All replicas, the same list in the same order everywhere; written into the log at first start
  // and compared ever after. Fixed for the life of the cluster.
  std::vector<Member> members;
  uint32_t self = 1;  // This one's number, from 1.
  NetworkAddress listen;
};

// Serves until something fails that a replica must not survive: its log cannot be written (it may
// be started again: nothing was acknowledged that is not durable), is damaged or locked; the
// address cannot be had; a promise of the algorithm was broken.
// A replica whose directory is lost must not be started with an empty one: it would have forgotten
// its votes and what it acknowledged.
// REQUIRES: the knobs of `env` have ReplicaKnobs and RpcKnobs.
Task<absl::Status> RunReplica(Env& env, ReplicaOptions options);

}  // namespace orrery::sim::replicated_log
