// The resolver: decides for its part of the key space which transactions of a batch meet a write
// later than what they read. It works strictly along the version chain: a batch waits until the one
// before it was resolved; a batch that comes again gets the first answer; one that was answered and
// trimmed gets none.
//
// It starts empty with its generation. That is right because the generation's versions begin so far
// above the last one's that every older read version is too old.
//
// All transactions that change metadata go to every resolver, and each resolver gives each proxy
// all of them, in order, with its own verdict: so every proxy can apply the same metadata at the
// same version. They are kept until every proxy has them; beyond resolver_state_bytes_max a proxy
// that lags is not waited for: it gets generation_ended.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/version.h"
#include "core/rpc/role_context.h"

namespace orrery {

struct ResolverOptions {
  uint64_t generation = 0;
  Version first_version = kInvalidVersion;  // The previous version of the first batch.
  std::vector<uint64_t> proxy_ids;
  uint32_t index = 0;  // Resolver 0 sends the mutations of state transactions.
  Version window = 0;  // Versions: reads that lag more are too old.
};

// Serves until it is destroyed.
Task<absl::Status> RunResolver(RoleContext context, ResolverOptions options);

}  // namespace orrery
