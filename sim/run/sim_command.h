// What a command line asks of the simulator, apart from how it was parsed and what is printed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "sim/run/runner.h"
#include "sim/run/scenario.h"

namespace orrery::sim {

struct SimCommand {
  std::string program;  // As it was called: for the replay command.
  std::string scenario_file;
  std::string seed;                // Decimal. Empty: the plan's.
  std::vector<std::string> knobs;  // "NAME=VALUE"
  std::string plan_file;
  std::string save_plan_file;
  std::string trace_file;
  std::string leg;  // Of a check: see check.h.
  bool check = false;
  bool json = false;
};

// A command with its files read and everything checked. Nothing was run or written yet.
class PreparedRun {
 public:
  // invalid_argument, file_not_found or platform_error, with one line that says what and where.
  static absl::StatusOr<std::unique_ptr<PreparedRun>> Make(const SimCommand& command,
                                                           const System& system);

  const RunRequest& request() const { return *request_; }
  // "sim --scenario ... --seed ...", what fixes the run and nothing else.
  const std::vector<std::string>& arguments() const { return arguments_; }
  // The whole command line that repeats the run.
  std::string ReplayCommand() const;

 private:
  PreparedRun() = default;

  std::string program_;
  Scenario scenario_;
  std::optional<RunRequest> request_;
  std::vector<std::string> arguments_;
};

}  // namespace orrery::sim
