// SweepParameters: what a sweep is, apart from where its output goes and how many runs are made at
// a time. Two sweeps with the same parameters make the same runs; shards of one sweep differ in
// `shard` alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/time.h"

namespace orrery::sim {

struct SweepParameters {
  struct SweptScenario {
    std::string name;
    std::string file;        // Its name without folders.
    uint64_t text_hash = 0;  // Of the whole file.

    friend bool operator==(const SweptScenario&, const SweptScenario&) = default;
  };

  std::vector<SweptScenario> scenarios;  // At least one; names and files are unique.
  // Either all seeds from the first to the last of every scenario, or, with a time, seeds from the
  // first on for as long as there is time.
  uint64_t first_seed = 1;
  uint64_t last_seed = 1;
  Duration time{};  // Zero: by seeds.
  uint32_t shard = 0;
  uint32_t shards = 1;
  std::vector<std::string> knobs;  // "NAME=VALUE"
  uint64_t check_one_in = 50;      // 0: never.
  bool until_failure = false;
  uint64_t build = 0;                // A hash of the program.
  std::vector<std::string> probes;   // Names of all there are, sorted.
  std::vector<uint32_t> not_merged;  // Shards that a merge was not given.

  bool by_seeds() const { return time == Duration::zero(); }
  // Runs of this shard; 0 when that depends on time.
  uint64_t planned_runs() const;
};

// One run of a scenario under a seed.
struct SeedOfScenario {
  uint32_t scenario = 0;  // Index in SweepParameters::scenarios.
  uint64_t seed = 0;

  friend auto operator<=>(const SeedOfScenario&, const SeedOfScenario&) = default;
};

// Whether the run is one of the sample that is checked for determinism: the same answer in each
// shard.
bool IsChecked(const SweepParameters& parameters, SeedOfScenario run);

// "--seeds 1-300", "--minutes 5 from seed 1".
std::string DescribeSeeds(const SweepParameters& parameters);
// "1/3", as --shard takes it; from 1.
std::string DescribeShard(const SweepParameters& parameters);

// Where they differ first: "it was begun with --seeds 1-300, and this is --seeds 1-400". Empty when
// they do not.
std::string DifferenceOf(const SweepParameters& begun, const SweepParameters& now);
// The same for shards of one sweep.
std::string DifferenceOfShards(const SweepParameters& one, const SweepParameters& other);

}  // namespace orrery::sim
