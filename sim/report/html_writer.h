// The page of a run: one HTML file that needs nothing else, no network and no other file.
#pragma once

#include <string>

#include "sim/report/story.h"

namespace orrery::sim {

// Whatever the texts of the story are, they end no element of the page and run as no script.
std::string StoryPage(const Story& story);

// The story as the page's script reads it: one JSON object without "<".
std::string StoryJson(const Story& story);

}  // namespace orrery::sim
