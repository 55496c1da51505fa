// Merging the shards of a sweep into what one sweep of all would have kept.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "sim/run/sweep/sweep_report.h"
#include "sim/run/sweep/tally.h"

namespace orrery::sim {

struct MergeCommand {
  std::string program;
  std::string out;  // New, or without a sweep in it.
  std::vector<std::string> shard_folders;
  std::string baseline;  // Or empty.
};

struct MergedSweep {
  Tally tally;
  std::optional<std::vector<std::string>> dark;
  std::vector<std::string> warnings;  // What a shard should have had and has not, one line each.
};

// Writes the journal, the folders of the bugs and the reports. invalid_argument, in one line and
// with nothing written, for folders that are not shards of one sweep. A shard that is not among
// them is told in the reports.
absl::StatusOr<MergedSweep> MergeShards(const MergeCommand& command);

}  // namespace orrery::sim
