// The order of lanes in a picture.
#pragma once

#include <string_view>
#include <vector>

#include "sim/report/story.h"

namespace orrery::sim {

// Clients first, then by data center, zone, machine and process: names with numbers in them by
// these numbers.
void SortLanes(std::vector<Story::Lane>& lanes);

// Whether `a` goes before `b`: "m9" before "m10".
bool NaturallyLess(std::string_view a, std::string_view b);

}  // namespace orrery::sim
