// What the verb `sweep` prints when it has ended.
#pragma once

#include <string>

#include "sim/run/sweep/sweep.h"

namespace orrery::sim {

// Many lines, with the commands that repeat what failed as they can be typed where this was.
std::string SweepText(const Sweep& sweep, const PreparedSweep& prepared);

// The members of report.json in one line, and besides: interrupted, cpu_seconds (of all that was
// run, up to the first failure when that ends the sweep), timing (as timing.json), first_failure
// (with --until-failure: {scenario, seed, signature, kind, text}, or null).
std::string SweepJson(const Sweep& sweep, const PreparedSweep& prepared);

// Of a merge, or anything that has a tally only.
std::string TallyText(const SweepReport& report, const std::string& program,
                      const std::string& folder);

}  // namespace orrery::sim
