// From a command to a request that can be run.
#include "sim/run/sim_command.h"

#include <charconv>

#include "sim/run/report.h"

namespace orrery::sim {
namespace {

absl::StatusOr<uint64_t> ParseSeed(const std::string& text) {
  uint64_t seed = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seed);
  if (error == std::errc() && rest == end) return seed;
  return Error(
      ErrorCode::invalid_argument,
      "--seed " + text + ": expected a whole number from 0 to " + std::to_string(UINT64_MAX));
}

}  // namespace

absl::StatusOr<std::unique_ptr<PreparedRun>> PreparedRun::Make(const SimCommand& command,
                                                               const System& system) {
  auto run = std::unique_ptr<PreparedRun>(new PreparedRun());
  run->program_ = command.program;
  ASSIGN_OR_RETURN(run->scenario_, LoadScenario(command.scenario_file, system));
  RunRequest request = {.system = system,
                        .scenario = run->scenario_,
                        .knobs = command.knobs,
                        .trace_file = command.trace_file};
  if (!command.plan_file.empty()) {
    ASSIGN_OR_RETURN(request.plan, ReadTextFile(command.plan_file));
    ASSIGN_OR_RETURN(request.seed, SeedOfPlan(request.plan, command.plan_file));
    if (request.plan.empty()) {
      return Error(ErrorCode::invalid_argument, command.plan_file + ": is empty");
    }
  }
  if (!command.seed.empty()) {
    ASSIGN_OR_RETURN(request.seed, ParseSeed(command.seed));
  } else if (command.plan_file.empty()) {
    return Error(ErrorCode::invalid_argument, "--seed is missing; give a seed or a --plan");
  }
  RETURN_IF_ERROR(ValidateRequest(request, command.plan_file));
  run->arguments_ = {"sim", "--scenario", command.scenario_file, "--seed",
                     std::to_string(request.seed)};
  for (const std::string& knob : command.knobs) {
    run->arguments_.insert(run->arguments_.end(), {"--knob", knob});
  }
  if (!command.plan_file.empty()) {
    run->arguments_.insert(run->arguments_.end(), {"--plan", command.plan_file});
  }
  run->request_.emplace(std::move(request));
  return run;
}

std::string PreparedRun::ReplayCommand() const {
  std::vector<std::string> words = arguments_;
  words.insert(words.begin(), program_);
  return ShellCommand(words);
}

}  // namespace orrery::sim
