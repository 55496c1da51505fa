// The reports of a sweep. All but ReportTiming are a function of the tally alone and hold no real
// time, so that the shards of a sweep, merged, give byte for byte what one sweep of all gives.
//
// Paths in them are relative to the folder they lie in: a reader who has downloaded it runs the
// commands there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"
#include "sim/run/sweep/tally.h"

namespace orrery::sim {

struct SweepReport {
  const Tally& tally;
  std::string program;  // Without folders: "orrery".
  // Probes that another sweep reached and this one did not; nullopt: there is none to compare with.
  std::optional<std::vector<std::string>> dark;
};

// Bugs beyond this rank get no folder of their own.
inline constexpr size_t kBugFoldersMax = 100;
// "failures/NAME"
std::string BugFolder(const Bug& bug);
// The runs of a bug as their counts by scenario: "ledger 3, ring 1".
std::string DescribeScenariosOf(const Bug& bug, const SweepParameters& parameters);
// "every seed passed", "2 bugs in 5 runs", "... (not complete: ...)".
std::string DescribeVerdict(const Tally& tally);
// "300 runs of 3 scenarios, --seeds 1-100: 296 passed, 4 failed"
std::string DescribeRuns(const Tally& tally);

// One JSON object:
//   verdict ("passed" or "failed"), complete, seeds (as on the command line), knobs, check_one_in,
//   runs, passed, failed, checked, events, faults, simulated_seconds,
//   shards_missing (numbers from 1),
//   scenarios: list of {name, file, runs, passed, failed, checked, events, faults,
//     simulated_seconds, bugs: names},
//   bugs: list of {name, signature, kind, count, scenarios: {name: count}, folder (if it has one),
//     cheapest: {scenario, seed, events, hash, text}},
//   probes: {reached: {name: runs}, never_reached: names, dark: names (with a baseline)}
std::string ReportJson(const SweepReport& report);

// For the page of a CI job.
std::string ReportMarkdown(const SweepReport& report);

// JUnit: a test case for each scenario, with a failure for each of its bugs.
std::string ReportJunit(const SweepReport& report);

// What it cost, as one JSON object: jobs (0 of a merge: not known), real_seconds, cpu_seconds,
// seeds_per_core_hour,
//   scenarios: list of {name, runs, cpu_seconds, seeds_per_core_hour}
std::string ReportTiming(const Tally& tally, Duration real, int jobs);

// Writes report.json, report.md, report.xml and timing.json. platform_error.
absl::Status WriteReports(const SweepReport& report, const std::string& folder, Duration real,
                          int jobs);

// Runs per hour of processor time, whole; 0 of nothing.
uint64_t SeedsPerCoreHour(uint64_t runs, Duration cpu);
// "12.345"
std::string SecondsText(Duration duration);
// "1,234,567"
std::string GroupedText(uint64_t number);

}  // namespace orrery::sim
