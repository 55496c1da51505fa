// Recovery: from the coordinators' record of the last generation to the first version of the next.
//
//   read      the record, at a register generation of our own
//   lock      every log of its current set; decide RV and KCV (recovery_version.h)
//   metadata  from the metadata tag: the oldest snapshot that is left, and what follows
//   recruit   new logs, which copy (KCV, RV]; sequencer, resolvers, proxies
//   transact  the recovery transaction, at RV + kGenerationJump, durable on all new logs: snapshot
//             of the metadata, and to every tag the message that a generation begins
//   write     the record with the new set: the commit point
//
// Then the caller publishes the new state, and drains old sets. Any failure abandons the attempt:
// its roles end, nothing names its logs, and a new attempt begins with the register.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/env/env.h"
#include "core/rpc/client.h"
#include "txn/controller/controller.pb.h"
#include "txn/controller/generation_record.pb.h"
#include "txn/coordinator/cluster_file.h"
#include "txn/coordinator/coordinator_client.h"
#include "txn/metadata/metadata.h"

namespace orrery {

// A generation that accepts commits.
struct RecoveredGeneration {
  GenerationRecord record;
  Metadata metadata;            // As of its first version.
  std::vector<RoleInfo> roles;  // All of them, logs included, with incarnations.
};

// What a recovery asks of whoever runs it. Outlives the recovery.
class RecoveryHost {
 public:
  virtual ~RecoveryHost() = default;
  // The workers known now. May be too few: the recovery asks again after a while.
  virtual std::vector<WorkerInfo> Workers() = 0;
  // Those of them of which none failed of late (see WorkerFailed): better, if they are enough.
  virtual std::vector<WorkerInfo> TrustedWorkers() = 0;
  // It could not be reached, or did not answer: it is not to be among Workers() until it was heard
  // again, and not among TrustedWorkers() for a while.
  virtual void WorkerFailed(const WorkerInfo& worker) = 0;
  // Tells operators where the recovery stands (see ClusterStatusReply), and why it waits.
  virtual void Report(std::string state, std::string reason) = 0;
  // A log that could not deliver what it claims to have counts as silent in the attempts of the
  // next seconds.
  virtual void Distrust(uint64_t log_id) = 0;
  virtual bool IsDistrusted(uint64_t log_id) const = 0;
};

// One attempt. `record` is what `reg`.Read() gave; the write of `reg` is the attempt's last act.
// Waits for silent logs and for workers, recovery_wait_max at most: `record` may be out of date, so
// that what it names never comes. On an error the caller begins anew, reading the register with a
// new RegisterClient, after a jittered wait; roles it recruited end, since no published state names
// them. outcome_unknown: the write's outcome is, and the caller must die.
Task<absl::StatusOr<RecoveredGeneration>> RecoverGeneration(Env& env, RpcClient& rpc,
                                                            RegisterClient& reg,
                                                            GenerationRecord record,
                                                            RecoveryHost& host);

}  // namespace orrery
