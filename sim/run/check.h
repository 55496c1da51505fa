// The check for determinism: one seed, twice, in fresh processes that differ in everything that
// must not matter: addresses, what freed memory holds, the shape of the heap, the size of the
// environment, and whether a recorder watches. If the hashes differ, it names the first event in
// which the runs differ, with what came before it and after it in both.
//
// It finds the event also when the runs differ in another place each time: it runs pairs again,
// with both recorded, until a pair shows its first difference.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/run/divergence.h"
#include "sim/run/runner.h"

namespace orrery::sim {

// Entries that are recorded at a time.
inline constexpr size_t kRecordedNotesMax = size_t{1} << 20;

struct CheckResult {
  RunResult first;   // Or the second, when that could not be started: then `same` says nothing.
  RunResult second;  // With everything hostile.
  bool same = false;
  // The differing hashes lie after this entry, and no pair showed where: nullopt below.
  uint64_t last_common_note = 0;
  std::optional<Divergence> divergence;
  int pairs = 0;  // How often it ran twice.
};

// `arguments` are those of a command line of this program, after its name, that SimMain takes and
// that runs `request`, but for its end and whoever looks on: {"sim", "--scenario", ...}.
// REQUIRES: main calls SimMain for "sim".
CheckResult CheckDeterminism(const RunRequest& request, const std::vector<std::string>& arguments);

// For people: many lines, the first divergent event among them. Empty when same.
std::string DescribeCheck(const CheckResult& result);

// The result of the first of the two, with a difference as its first failure ("nondeterminism").
RunResult RunChecked(const RunRequest& request, const std::vector<std::string>& arguments);

// The value of the hidden option --check-leg, which SimMain hands to RunLeg.
inline constexpr const char* kLegOption = "--check-leg";

// Runs `request` as one of the two, in a process made by CheckDeterminism. False when `leg` was not
// made by it.
bool RunLeg(const RunRequest& request, const std::string& leg);

}  // namespace orrery::sim
