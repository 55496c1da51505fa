// Version: the position of a commit in the one order of all commits of a cluster.
//
// Versions pass at about a million a second, and jump at a recovery. A difference of versions is
// therefore no time: whoever turns one into an age asks the generation record, which knows the
// jumps.
#pragma once

#include <cstdint>

namespace orrery {

using Version = int64_t;

// Before every version.
inline constexpr Version kInvalidVersion = -1;

// Later than any version a cluster will reach.
inline constexpr Version kVersionMax = INT64_MAX;

inline constexpr Version kVersionsPerSecond = 1'000'000;

}  // namespace orrery
