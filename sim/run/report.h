// A RunResult for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "sim/run/run_result.h"

namespace orrery::sim {

// One line: "seed 7 passed: 60.2 s simulated, 31 faults, hash 0123456789abcdef".
std::string Summary(const RunResult& result);

// What was drawn, many lines: before the verdict.
std::string DescribeDrawn(const RunResult& result);

// The failures, a line each or more, and what the run's process wrote; "" when it passed.
std::string DescribeFailures(const RunResult& result);

// "verdict: passed", a line.
std::string DescribeVerdict(const RunResult& result);

// Failures, verdict, counts and what the run's process wrote, many lines.
std::string DescribeOutcome(const RunResult& result);

// One JSON object in one line: seed, scenario, verdict, hash, simulated_seconds, cpu_seconds,
// start_seconds, events, cpu_us_per_event, commits and cpu_us_per_commit (when a workload has a
// metric "commits": the sum over all), recoveries (likewise), faults, faults_skipped, probes,
// metrics, failures, phase, diagnosis (of a failed run), replay_command.
std::string ToJson(const RunResult& result, const std::string& replay_command);

// "0123456789abcdef"
std::string HashText(uint64_t hash);

// `words` so that a shell reads them back.
std::string ShellCommand(const std::vector<std::string>& words);

}  // namespace orrery::sim
