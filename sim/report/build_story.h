// From what a run told (StoryRecord) to its Story. Pure.
#pragma once

#include <string>
#include <vector>

#include "sim/report/story.h"
#include "sim/run/run_result.h"

namespace orrery::sim {

struct ToldStory {
  std::vector<std::string> milestones;  // Encoded StoryRecords, in order.
  std::vector<std::string> details;
  uint64_t milestones_dropped = 0;  // Before those, for want of room.
  uint64_t details_dropped = 0;
  uint64_t running = 0;                   // The key of the loop that ran last.
  Span wanted{Time(), kNever};            // Of which details were asked for.
  std::vector<Span> kept;                 // Of which they were kept besides, apart,
  std::vector<std::string> kept_details;  // here.
};

// REQUIRES: what was told is whole records, as RecordRing gives them.
Story BuildStory(const ToldStory& told, const RunResult& result);

}  // namespace orrery::sim
