// The GRV proxy: gives out read versions.
//
// Promise: the version is at least every commit acknowledged before the request was sent, by any
// proxy of any generation. Proof, for each batch of requests: after they arrived, the sequencer
// told its committed version, and logs in at least k zones of the current set answered that they
// were not locked. A later generation cannot have begun to commit before then, since it had first
// to lock all but fewer than k zones. No clock is involved.
//
// Requests wait in three queues, system before default before batch; while one batch's proof is
// under way the next one collects, so an idle proxy answers at once and a busy one in few calls.
#pragma once

#include <cstdint>

#include "core/rpc/endpoint.h"
#include "core/rpc/role_context.h"
#include "storage/log/log.pb.h"

namespace orrery {

struct GrvProxyOptions {
  uint64_t generation = 0;
  Endpoint sequencer;
  LogSet logs;
};

// Serves until the generation ends: a log that answers generation_ended, or a sequencer that is
// gone, ends it with that error; requests are then never answered.
Task<absl::Status> RunGrvProxy(RoleContext context, GrvProxyOptions options);

}  // namespace orrery
