// Tally: what the runs of a sweep come to. It is the same whatever the order they are added in, so
// that shards merge, and grows with the number of bugs and probes but not with that of runs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "sim/run/sweep/journal.h"
#include "sim/run/sweep/sweep_parameters.h"

namespace orrery::sim {

// All failures of one signature.
struct Bug {
  std::string signature;
  std::string name;  // Of its folder: "check-ledger-key-has-value-3f2a".
  std::string kind;
  uint64_t count = 0;
  std::map<uint32_t, uint64_t> scenarios;  // Count by scenario.
  // The run with the fewest events; of several the first scenario's with the smallest seed.
  SeedOfScenario cheapest;
  uint64_t events = 0;
  uint64_t hash = 0;
  std::string text;  // Of that run's failure.
};

// The name of the folder of a bug: words of its signature and four digits of its hash.
std::string BugName(const std::string& signature);

class Tally {
 public:
  struct OfScenario {
    uint64_t runs = 0;
    uint64_t failed = 0;
    uint64_t checked = 0;
    uint64_t events = 0;
    uint64_t faults = 0;
    Duration simulated{};
    Duration cpu{};
  };

  explicit Tally(SweepParameters parameters);

  // True when it is the first failure of its bug.
  bool Add(const SweptRun& run);

  const SweepParameters& parameters() const { return parameters_; }
  const std::vector<OfScenario>& scenarios() const { return scenarios_; }
  OfScenario Sum() const;
  bool passed() const { return bugs_.empty(); }
  // Everything that was asked for was done, as far as that can be told.
  bool complete() const;

  size_t bug_count() const { return bugs_.size(); }
  // The most frequent first; of several the first signature.
  std::vector<const Bug*> Bugs() const;

  // Runs that reached SweepParameters::probes[i].
  const std::vector<uint64_t>& probe_runs() const { return probe_runs_; }
  std::vector<std::string> ProbesReached() const;
  std::vector<std::string> ProbesNeverReached() const;

 private:
  const SweepParameters parameters_;
  std::vector<OfScenario> scenarios_;
  std::map<std::string, Bug> bugs_;  // By signature.
  std::vector<uint64_t> probe_runs_;
};

// Whether the run reached SweepParameters::probes[probe].
bool Reached(const SweptRun& run, size_t probe);

}  // namespace orrery::sim
