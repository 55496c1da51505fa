// What is asked of all coordinators together: the register, the creation of a database, and who
// leads.
#pragma once

#include <cstdint>
#include <string>

#include "core/async/notify.h"
#include "core/base/status.h"
#include "core/env/env.h"
#include "core/rpc/client.h"
#include "txn/coordinator/cluster_file.h"
#include "txn/coordinator/coordinator.pb.h"
#include "txn/coordinator/register_proposer.h"

namespace orrery {

// One use of the register: Read once, then perhaps Write once. See register_proposer.h.
class RegisterClient {
 public:
  // All outlive the object.
  RegisterClient(Env& env, RpcClient& rpc, const ClusterFile& cluster);

  // Reads at a fresh generation from a majority, trying again, at higher generations and with
  // jittered waits, until it succeeds: for ever. Empty: nothing was written yet.
  // Errors: not_created: every coordinator answered, and too few are ready.
  Task<absl::StatusOr<std::string>> Read();

  // Writes at the generation of Read. Ok: the value is chosen. Any error: the outcome is unknown,
  // and whoever wanted it must give up. Ends within `timeout`.
  // REQUIRES: Read was ok, and Write was not called since.
  Task<absl::Status> Write(std::string value, Duration timeout);

 private:
  Env& env_;
  RpcClient& rpc_;
  const ClusterFile& cluster_;
  RegisterProposer proposer_;
};

// Creates the register of a new database on all coordinators and writes `value` into it. Ok too if
// an earlier call with the same cluster file was interrupted, or done, by somebody with the same
// value. Errors: file_exists (a database was created here: its register has a value), timed_out
// (names the coordinators that did not answer: all must).
Task<absl::Status> CreateRegister(Env& env, RpcClient& rpc, const ClusterFile& cluster,
                                  std::string value, Duration timeout);

// Follows who leads. Spawn Run; then `leader` is the endpoint of the process that a majority of
// the coordinators named last.
class LeaderWatch {
 public:
  LeaderWatch(Env& env, RpcClient& rpc, const ClusterFile& cluster);

  // For ever. Never more than a long poll per coordinator under way.
  Task<absl::Status> Run();

  const Nominee& leader() const { return leader_; }  // candidate_id 0: unknown.
  Notify& changed() { return changed_; }

 private:
  Env& env_;
  RpcClient& rpc_;
  const ClusterFile& cluster_;
  Nominee leader_;
  Notify changed_;
};

// Stands for election until a majority of the coordinators names `self`, and returns then. The
// leader calls KeepLeading, which returns (ok) when a majority does not name it any more, or cannot
// be reached.
Task<absl::Status> BecomeLeader(Env& env, RpcClient& rpc, const ClusterFile& cluster, Nominee self);
Task<absl::Status> KeepLeading(Env& env, RpcClient& rpc, const ClusterFile& cluster, Nominee self);

}  // namespace orrery
