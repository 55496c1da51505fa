// The commit proxy: makes batches of clients' transactions and takes each batch through the commit
// path: a version from the sequencer, verdicts from all resolvers, metadata in order, tags, a push
// to all logs, a report to the sequencer, and only then the answers. Several batches are under way
// at a time; two stages keep their order: resolving, and logging.
//
// Invariants
//  1. No client is answered before its batch is durable on every log and the sequencer has
//     acknowledged the report of it.
//  2. Before a mutation of version V is tagged, every state transaction below V, of any proxy, was
//     applied to the metadata, in order. A proxy that missed one ends.
//  3. A version V is not pushed while the known committed version is below V minus the window.
//  4. Every version goes to every log; an empty batch at least every commit_proxy_idle_interval
//     moves versions and the known committed version.
//  5. Whatever fails after a version was assigned ends the proxy, and so the generation: the chain
//     would have a hole. Clients then see an unknown result.
//  6. User batches are refused (log_space_low) before a version is asked for when a log is short of
//     space.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/keys.h"
#include "core/base/version.h"
#include "core/rpc/endpoint.h"
#include "core/rpc/role_context.h"
#include "storage/log/log.pb.h"
#include "storage/log/mutation.h"

namespace orrery {

struct CommitProxyOptions {
  uint64_t generation = 0;
  uint64_t proxy_id = 0;
  Endpoint sequencer;
  // Resolver i judges keys from `begin` to that of the next one; the first begins with "".
  struct ResolverPart {
    Key begin;
    Endpoint endpoint;
  };
  std::vector<ResolverPart> resolvers;
  LogSet logs;
  Version first_version = kInvalidVersion;
  Version window = 0;              // Versions.
  std::vector<Mutation> metadata;  // All rows of the metadata at first_version.
};

// Serves until the generation ends, with the error that ended it.
Task<absl::Status> RunCommitProxy(RoleContext context, CommitProxyOptions options);

}  // namespace orrery
