// The storage server: answers reads of the last seconds' versions for the shards it holds. It pulls
// its tag's messages behind the commit path into a VersionWindow above an Engine.
//
// Invariants
//  1. It applies only what is known committed, in the order of versions: nothing is rolled back.
//  2. To make versions durable: raise the oldest readable version, then commit to the engine (the
//     batch carries the version), then publish durable, then pop.
//  3. After every wait of a read it is checked again that the version is still readable and the
//     keys still owned: else transaction_too_old or wrong_shard_server.
//  4. A gap in the log (popped, never to be read) ends it: it must be rebuilt, never skip.
//  5. When its window is full it stops pulling only while something is becoming durable; otherwise
//     it shortens the window and pulls on.
#pragma once

#include <cstdint>
#include <string>

#include "core/rpc/role_context.h"
#include "storage/diskqueue/file_header.h"
#include "storage/log/log_system_view.h"
#include "storage/log/tags.h"

namespace orrery {

struct StorageOptions {
  std::string directory;
  StoreIdentity identity;
  uint64_t storage_id = 0;  // Random; also the token under which it is served.
  Tag tag;
  uint64_t generation = 0;  // Of the recovery that made it.
};

// Makes an empty storage server in options.directory, durably: it holds no shard, and begins after
// version 0. Ok too when this very one is there already.
Task<absl::Status> CreateStorage(Env& env, StorageOptions options);

struct StoredStorage {
  uint64_t storage_id = 0;
  Tag tag;
  uint64_t generation = 0;
};

// file_not_found when its making was never finished: the directory may be removed.
Task<absl::StatusOr<StoredStorage>> DescribeStorage(Env& env, std::string directory,
                                                    StoreIdentity identity);

// Serves it under context.token until its disk fails or it loses its place in the log. `view`
// outlives it. `ready` is set when reads are answered.
Task<absl::Status> RunStorage(RoleContext context, StorageOptions options, LogSystemView& view);

}  // namespace orrery
