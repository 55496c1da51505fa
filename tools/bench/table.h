// The table of `tools/dev bench`: which measurements count, what they are to reach, and which of
// them are worth comparing.
#pragma once

#include <map>
#include <span>
#include <string>

namespace orrery::bench {

// What a benchmark measured: medians of its repetitions.
struct Measurement {
  double seconds = 0;      // For one operation, by the time that counts for the benchmark.
  double cpu_seconds = 0;  // For one operation, of the whole process.
  // What was measured in other OS processes says itself whose processor time it tells, and of what:
  // microseconds by name, in place of `cpu_seconds`.
  std::map<std::string, double> cpu_us_of;
};
using Measurements = std::map<std::string, Measurement>;

enum class Unit {
  kNanoseconds,
  kMilliseconds,
  kPerSecond,
  kSimulatedPerReal,    // Operations are simulated seconds.
  kPerSimulatedSecond,  // The fewer the better.
};

struct Row {
  const char* name;       // For --only.
  const char* benchmark;  // Its name in google benchmark.
  const char* what;
  Unit unit;
  double target;  // At least this rate, or at most this time; 0: none, the row is there to compare.
};

// One row divided by another.
struct Ratio {
  const char* what;
  const char* row;
  const char* by;
};

std::span<const Row> Rows();

// Where and under what load the figures were taken.
struct Machine {
  unsigned cores;
  double load_before;  // Average of one minute.
  double load_after;
};

// The rows that were measured, with verdicts and ratios, as a table or as one JSON object.
std::string Table(const Measurements& measurements, const Machine& machine);
std::string Json(const Measurements& measurements, const Machine& machine);

}  // namespace orrery::bench
