// The sequencer: gives out the versions of one generation. Each answer is one link (previous
// version, version) of a chain without gaps, which is the total order of all commits; resolvers and
// logs process strictly along it. It also knows the greatest version that is committed, which makes
// it the source of read versions.
//
// Versions pass with the clock, kVersionsPerSecond, by at least 1 and at most the window at a time;
// no safety property depends on that. It never assigns beyond the committed version plus half the
// generation jump: such a request waits.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/version.h"
#include "core/rpc/role_context.h"

namespace orrery {

// By how much the first version of a generation lies above the recovery version: so far that every
// read version of an older generation is too old for the new, empty resolvers.
inline constexpr Version kGenerationJump = 100 * kVersionsPerSecond;

struct SequencerOptions {
  uint64_t generation = 0;
  // Of the recovery transaction: committed, and the previous version of the first batch.
  Version first_version = kInvalidVersion;
  std::vector<uint64_t> proxy_ids;  // The commit proxies; requests of others are refused.
  Version window = 0;               // Versions; the most that one step may be.
};

// Serves until it is destroyed.
Task<absl::Status> RunSequencer(RoleContext context, SequencerOptions options);

}  // namespace orrery
