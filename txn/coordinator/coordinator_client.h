// What is asked of all coordinators together: the register, the creation of a database, and who
// leads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

  // Whether a majority holds a value, so that a Read will find one. Asks each coordinator once, at
  // the generation before all others: it overtakes nobody, however often it is called, where a Read
  // overtakes whoever is about to write. False, too, when too few answer.
  Task<bool> IsWritten();

  // Writes at the generation of Read. Ok: the value is chosen. Any error: the outcome is unknown,
  // and whoever wanted it must give up. Ends within `timeout`.
  // REQUIRES: Read was ok, and Write was not called since.
  Task<absl::Status> Write(std::string value, Duration timeout);

 private:
  struct Phase;

  size_t Majority() const { return cluster_.coordinators.size() / 2 + 1; }
  Task<absl::Status> AskRead(size_t coordinator, Phase* phase);
  Task<bool> HoldsValue(size_t coordinator);
  Task<absl::Status> AskWrite(size_t coordinator, Phase* phase);
  Task<absl::Status> WriteToMajority();

  Env& env_;
  RpcClient& rpc_;
  const ClusterFile& cluster_;
  RegisterProposer proposer_;
};

// Creates the register of a new database on all coordinators and writes `value` into it. Ok too if
// an earlier call with the same cluster file was interrupted, or done, by somebody with the same
// value; and if the register was seen empty, and then, after a write of unknown outcome, with
// another value: somebody built on ours at once. (So of two that create at the same time, with the
// same cluster file and different values, both may be told ok; one value stands.)
// Errors: file_exists (a database was created here: its register has a value; or there is a
// register of another database), timed_out (names the coordinators that did not answer: all must),
// not_created (a majority lost their disks after creation), wrong_cluster, protocol_mismatch,
// authentication_failed (of a coordinator, which is named). REQUIRES: value is not empty.
Task<absl::Status> CreateRegister(Env& env, RpcClient& rpc, const ClusterFile& cluster,
                                  std::string value, Duration timeout);

// Follows who leads. Spawn Run; then `leader` is the endpoint of the process that a majority of
// the coordinators named last.
class LeaderWatch {
 public:
  LeaderWatch(Env& env, RpcClient& rpc, const ClusterFile& cluster);

  // For ever. Never more than a long poll per coordinator under way. REQUIRES: called once.
  Task<absl::Status> Run();

  const Nominee& leader() const { return leader_; }  // candidate_id 0: unknown.
  Notify& changed() { return changed_; }

 private:
  Task<absl::Status> Poll(size_t coordinator);
  void Count(const Nominee& nominee);

  Env& env_;
  RpcClient& rpc_;
  const ClusterFile& cluster_;
  std::vector<Nominee> named_;  // By coordinator, as it last answered.
  Nominee leader_;
  Notify changed_;
};

// Stands for election until a majority of the coordinators names `self`, and returns then. The
// leader calls KeepLeading at once, which returns (ok) when a majority does not name it any more,
// or cannot be reached for leader_unreachable_max. Both hold a long poll at each coordinator, which
// is what says that the candidate is there: destroying them withdraws it. `self` has a fresh
// candidate_id each time it stands. All references outlive the tasks.
Task<absl::Status> BecomeLeader(Env& env, RpcClient& rpc, const ClusterFile& cluster, Nominee self);
Task<absl::Status> KeepLeading(Env& env, RpcClient& rpc, const ClusterFile& cluster, Nominee self);

}  // namespace orrery
