// The log server: keeps what commit proxies push, durably and in the order of versions, until every
// consumer has popped it. One log server belongs to one generation; it is made by that generation's
// recovery, and once it is locked, or its process was restarted, it is only read until it is
// drained.
//
// Invariants
//  1. Versions are accepted strictly along the chain: a push waits until its previous version is
//     the last one here. A push that was accepted before is answered again, when it is durable.
//  2. Nothing is answered before it is synced.
//  3. A locked log accepts no push. A reopened log is locked.
//  4. A peek shows only durable messages, and none above its bound.
//  5. After a failed write or sync the log acknowledges nothing more, and its role ends.
//  6. When its disk is full it locks itself: an assigned version that it cannot take is a hole in
//     the chain. It reports its room in time (PushReply), less a reserve, so that this is the last
//     resort.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/version.h"
#include "core/rpc/role_context.h"
#include "storage/diskqueue/file_header.h"
#include "storage/log/log.pb.h"
#include "storage/log/tags.h"

namespace orrery {

// What a new log begins with.
struct NewLogOptions {
  std::string directory;  // Made by this; must not exist.
  StoreIdentity identity;
  uint64_t log_id = 0;
  uint64_t generation = 0;

  // The chain begins here: the first push has this as its previous version. Known committed, too.
  Version recovery_version = kInvalidVersion;

  // What is copied before the log is ready: the messages of `copy_tags` in (copy_after,
  // recovery_version], from `copy_from`, whose logs are locked. Each tag from a log of its team
  // that has everything. None for the first generation.
  std::vector<Tag> copy_tags;
  Version copy_after = kInvalidVersion;
  LogSet copy_from;
};

// Makes a new log and serves it under context.token until its disk fails or it is destroyed.
// `ready` is set once everything copied is durable. Its directory is not removed at its end.
Task<absl::Status> RunNewLog(RoleContext context, NewLogOptions options);

// What the files of a log say about it. Known without opening it.
struct StoredLog {
  uint64_t log_id = 0;
  uint64_t generation = 0;
};

// Reads the description of the log in `directory`. file_not_found when it was never finished (the
// directory may be removed: no generation that counts names it).
Task<absl::StatusOr<StoredLog>> DescribeStoredLog(Env& env, std::string directory,
                                                  StoreIdentity identity);

// Opens a log that a former life of the process made, and serves it, locked.
Task<absl::Status> RunStoredLog(RoleContext context, std::string directory, StoreIdentity identity);

}  // namespace orrery
