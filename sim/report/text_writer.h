// A story for a terminal: why the run failed, and what led to it, in the order of time.
#pragma once

#include <cstddef>
#include <string>

#include "sim/report/causality.h"
#include "sim/report/story.h"

namespace orrery::sim {

struct TextOptions {
  Past past = Past::kSteps;
  size_t lines_max = 60;  // Of events; the last ones.
  size_t columns = 100;
};

// Many lines, none longer than `columns`, except of the verdict and the replay command. Of a run
// that passed: its last events that stand out.
std::string StoryText(const Story& story, const TextOptions& options);

}  // namespace orrery::sim
