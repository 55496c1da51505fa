// A sweep's command line with its files read and everything checked. Nothing was run or written.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "sim/run/runner.h"
#include "sim/run/scenario.h"
#include "sim/run/sweep/sweep_parameters.h"

namespace orrery::sim {

// As it was given.
struct SweepCommand {
  std::string program;
  std::string scenario_folder;
  std::vector<std::string> scenario_files;
  std::string minutes;     // "90", "0.5"
  std::string seeds;       // "1-300", "7"
  std::string first_seed;  // Of --minutes; 1 when empty.
  std::string shard;       // "2/3"
  std::vector<std::string> knobs;
  uint64_t check_one_in = 50;
  bool until_failure = false;
  int jobs = 0;          // 0: as many as there are cores.
  std::string out;       // Empty: nothing is kept.
  std::string baseline;  // The --out of another sweep, or empty.
  bool json = false;
};

class PreparedSweep {
 public:
  // invalid_argument, file_not_found or platform_error, with one line that says what and where.
  static absl::StatusOr<std::unique_ptr<PreparedSweep>> Make(const SweepCommand& command,
                                                             const System& system);

  const SweepCommand& command() const { return command_; }
  const SweepParameters& parameters() const { return parameters_; }
  int jobs() const { return jobs_; }
  // Names of probes that the baseline reached; nullopt without one.
  const std::optional<std::vector<std::string>>& baseline_reached() const {
    return baseline_reached_;
  }

  const Scenario& scenario(uint32_t index) const { return scenarios_[index]; }
  const std::string& scenario_text(uint32_t index) const { return scenario_texts_[index]; }

  // What to run, and the arguments of the verb `sim` that run the same.
  RunRequest RequestOf(SeedOfScenario run) const;
  std::vector<std::string> ArgumentsOf(SeedOfScenario run) const;

 private:
  PreparedSweep(SweepCommand command, const System& system)
      : command_(std::move(command)), system_(system) {}
  absl::Status ReadScenarios();
  absl::Status ReadSeeds();
  absl::Status ReadShard();
  absl::Status CheckRequests() const;

  const SweepCommand command_;
  const System& system_;
  SweepParameters parameters_;
  std::vector<Scenario> scenarios_;
  std::vector<std::string> scenario_texts_;
  std::optional<std::vector<std::string>> baseline_reached_;
  int jobs_ = 1;
};

// Names of probes that the sweep in `folder` reached, sorted.
absl::StatusOr<std::vector<std::string>> ProbesReachedIn(const std::string& folder);

// Those of `reached_before` that `parameters` knows and that are not in `reached_now`.
std::vector<std::string> DarkProbes(const std::vector<std::string>& reached_before,
                                    const std::vector<std::string>& reached_now,
                                    const SweepParameters& parameters);

}  // namespace orrery::sim
