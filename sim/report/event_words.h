// An event in one line, for people.
#pragma once

#include <cstddef>
#include <string>

#include "sim/report/story.h"

namespace orrery::sim {

// "commit -> m2.a  batch: ...", "role sequencer began, generation 3", "LogLocked generation=3".
// The page says the same (page/story.js).
std::string EventWords(const Story& story, size_t event);

// "12.345678"
std::string SecondsText(Time time);

// "1.234 ms"
std::string SpanText(Duration span);

}  // namespace orrery::sim
