// Committer: takes one transaction to a commit proxy, and finds out what became of it.
//
// Exactly once. An attempt carries a fresh random id, in its read and its write conflicts, and the
// proxy that commits it writes the id at that version (txn/proxy/commit_ids.h). When no answer
// tells the outcome:
//  1. *Fence*: a transaction that writes the id's conflict range is committed, for sure, at F. The
//     attempt reads that range at a version below F. So from now on it conflicts: either it was
//     committed before F, or it never will be.
//  2. *Look*: the id is searched among the rows of versions in (read version, F], read at F or
//     later, together with the version through which rows may have been removed. Found: committed,
//     at the version and order that the row tells. Not found, and no row of that span was removed:
//     not committed, now and for ever. Otherwise nobody can tell any more.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/task.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "core/env/env.h"
#include "txn/client/client_knobs.h"
#include "txn/client/proxies.h"
#include "txn/client/read_versions.h"
#include "txn/client/shard_reads.h"
#include "txn/proxy/transaction_codec.h"

namespace orrery {

struct CommitOrder {
  std::string id;  // Of the attempt: 16 bytes. Empty: an unknown result stays unknown.
  CommitTransactionRef transaction;  // With the id's ranges last. Outlives the Task.
  bool access_system_keys = false;
  bool system_priority = false;
  bool report_conflicts = false;
};

struct CommitAnswer {
  bool committed = false;  // If not: not_committed or transaction_too_old.
  bool too_old = false;
  Version version = kInvalidVersion;
  uint16_t order = 0;
  std::vector<uint32_t> conflicting_reads;
};

class Committer {
 public:
  // REQUIRES: all outlive it.
  Committer(Env& env, Proxies& proxies, ReadVersions& versions, ShardReads& reads);

  std::string DrawId();

  // Tries for as long as it takes to know; `sent` is set once the cluster may have the transaction.
  // Errors: outcome_unknown, or without an id commit_unknown_result; log_space_low; what is wrong
  // with the transaction. Cancel-safe, but what became of the transaction is then not known.
  Task<absl::StatusOr<CommitAnswer>> Commit(CommitOrder order, bool* sent);

 private:
  Task<absl::StatusOr<Version>> Fence(std::string id);
  Task<absl::StatusOr<CommitAnswer>> FindOutcome(std::string id, Version read_version);
  Task<absl::StatusOr<CommitAnswer>> Look(std::string id, Version after, Version through,
                                          Version at);

  Env& env_;
  Proxies& proxies_;
  ReadVersions& versions_;
  ShardReads& reads_;
  const ClientKnobs& knobs_;
};

}  // namespace orrery
