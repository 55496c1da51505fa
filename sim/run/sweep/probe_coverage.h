// Which probes a sweep reached, and which seeds reach a probe.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "sim/run/sweep/journal.h"

namespace orrery::sim {

inline constexpr size_t kProbeSeedsMax = 10;

// A table of all probes of the sweep in `folder`, the rarest first. Text, or one JSON object:
// {runs, probes: list of {name, runs}}.
absl::StatusOr<std::string> ProbeTable(const std::string& folder, bool json);

// Up to ten runs that reach the probe `name`, those with the fewest events first. Text, one command
// a line, or one JSON object: {probe, runs, seeds: list of {scenario, seed, events}}.
// invalid_argument when there is no such probe. An empty list is none of them.
absl::StatusOr<std::string> SeedsOfProbe(const std::string& folder, const std::string& name,
                                         bool json);

}  // namespace orrery::sim
