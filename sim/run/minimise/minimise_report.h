// What a minimisation found: as the plan's text, for people, for programs.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/time.h"
#include "sim/run/minimise/minimiser.h"

namespace orrery::sim {

struct MinimiseReport {
  Minimised found;
  std::string plan_file;
  std::string replay_command;
  std::string resume_command;  // When it is not complete.
  std::string keep_command;    // Makes a regression test of the plan; empty: not asked for.
  uint64_t runs = 0;           // Of all sessions.
  uint64_t known = 0;          // Of them those of earlier ones.
  Duration cpu{};              // Processor time of all runs, earlier sessions' too.
};

// The plan with what a reader has to know at its head, as comments.
std::string PlanFileText(const MinimiseReport& report);

// Many lines.
std::string DescribeMinimised(const MinimiseReport& report);

// One JSON object in one line: plan, signature, failure, complete, before and after (each: events,
// faults, operations, windows, knobs, machines, simulated_seconds), runs, known (of
// them those of earlier sessions), cpu_seconds, replay_command, keep_command (when asked for),
// resume_command (when not complete).
std::string MinimisedJson(const MinimiseReport& report);

// "31 faults, 1204 operations, order drawn in 9 windows, 12 knobs, 7 machines, 22.6 s".
std::string ToText(const PlanSize& size);

}  // namespace orrery::sim
