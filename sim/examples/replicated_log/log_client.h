// LogClient: the replicated log as its users see it: a linearizable map of bytes to bytes.
//
// It finds the leader by asking, and asks again, at every replica, until a call is done or its time
// is over. A put that is repeated is done once. After timed_out a put may have been done or not,
// and once a later put of the same LogClient is done it will not be any more.
//
// Threads: one loop's. Cancel-safe: destroying the Task of a put is like its time being over.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/env/env.h"
#include "core/rpc/client.h"
#include "sim/examples/replicated_log/methods.h"

namespace orrery::sim::replicated_log {

class LogClient {
 public:
  using Entries = std::vector<std::pair<std::string, std::string>>;  // Keys and values.

  // `replicas` in the order of the cluster's list. REQUIRES: `env` outlives this; its knobs have
  // ReplicaKnobs and RpcKnobs.
  LogClient(Env& env, std::vector<Endpoint> replicas);

  // All entries in one step. Errors: timed_out (it may have been done); message_too_large,
  // memory_limit (not done); and those of RPC that no wait heals, as authentication_failed.
  Task<absl::Status> Put(Entries entries, Duration timeout);

  // nullopt when the key is not there.
  Task<absl::StatusOr<std::optional<std::string>>> Get(std::string key, Duration timeout);

  // How many keys there are.
  Task<absl::StatusOr<uint64_t>> Count(Duration timeout);

  // What one replica, from 1, holds; not linearizable. Asks again while errors may pass.
  Task<absl::StatusOr<StatusReply>> Status(uint32_t replica, Duration timeout);

  uint32_t replicas() const { return static_cast<uint32_t>(replicas_.size()); }

 private:
  // Calls the leader until a reply says `done`.
  template <class Req, class Rep>
  Task<absl::StatusOr<Rep>> CallLeader(Method<Req, Rep> method, Req request, Duration timeout);

  Env& env_;
  const std::vector<Endpoint> replicas_;
  const Duration attempt_timeout_;
  const uint64_t id_;
  uint32_t leader_ = 1;  // The best guess.
  uint64_t last_sequence_ = 0;
  std::set<uint64_t> waiting_;  // Sequences of puts that are not over.
  RpcClient rpc_;
};

}  // namespace orrery::sim::replicated_log
