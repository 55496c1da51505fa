// The verb `sim`: parsing its command line, running one seed, and printing.

#include <CLI/CLI.hpp>
#include <cstdio>

#include "sim/run/atomic_file.h"
#include "sim/run/check.h"
#include "sim/run/plan_outcome.h"
#include "sim/run/report.h"
#include "sim/run/runner.h"
#include "sim/run/sim_command.h"
#include "sim/run/verbs.h"

namespace orrery::sim {
namespace {

constexpr const char* kAbout =
    "Runs a scenario under a seed: a whole deployment in simulated time, in one process.\n"
    "Prints what the seed drew, the verdict, and the command that repeats the run.\n"
    "Exit code: 0 passed, 1 failed, 2 bad input (nothing run or written).";

// One line on standard error.
int RefuseInput(const SimCommand& command, std::string what) {
  for (char& c : what) c = c == '\n' ? ' ' : c;
  std::fprintf(stderr, "%s sim: %s\n", command.program.c_str(), what.c_str());
  return kExitBadInput;
}

// Fills `command`; an exit code when there is nothing more to do.
std::optional<int> Parse(int argc, char** argv, SimCommand& command) {
  command.program = argv[0];
  CLI::App app(kAbout, command.program + " sim");
  std::string output = "text";
  app.add_option("--scenario", command.scenario_file, "scenario file (TOML)")->required();
  app.add_option("--seed", command.seed, "what fixes everything that is drawn");
  CLI::Option* const check =
      app.add_flag("--check", command.check,
                   "run twice in fresh, different processes; name the first divergent event");
  app.add_option("--plan", command.plan_file,
                 "replay this fault plan, its knobs, and, without --seed, its seed");
  app.add_option("--save-plan", command.save_plan_file, "write the fault plan of the run here");
  app.add_option("--knob", command.knobs, "NAME=VALUE: fixes a knob; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--trace", command.trace_file, "write the trace events of all processes here")
      ->excludes(check);
  app.add_option("-o,--output", output, "text or json")->check(CLI::IsMember({"text", "json"}));
  app.add_option(kLegOption, command.leg)->group("");
  try {
    app.parse(argc - 1, argv + 1);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return kExitPassed;
  } catch (const CLI::ParseError& error) {
    return RefuseInput(command, std::string(error.what()) + "; see --help");
  }
  command.json = output == "json";
  return std::nullopt;
}

// Commands that look into a run that failed.
void PrintHints(const SimCommand& command, const RunResult& result) {
  if (result.passed() || command.check) return;
  // A plan under another seed than its own is what only this verb runs.
  if (!command.plan_file.empty() && !command.seed.empty()) return;
  std::vector<std::string> words = {command.program, "replay",
                                    command.plan_file.empty() ? command.seed : command.plan_file,
                                    "--scenario", command.scenario_file};
  for (const std::string& knob : command.knobs) words.insert(words.end(), {"--knob", knob});
  const std::string replay = ShellCommand(words);
  std::printf("to see what led to it: %s --trace info\n", replay.c_str());
  if (const uint64_t event = result.failures.front().event; event != 0) {
    std::printf("to stop there: %s --break %llu\n", replay.c_str(),
                static_cast<unsigned long long>(event));
  }
  words[1] = "explain";
  std::printf("for a picture of it: %s\n", ShellCommand(words).c_str());
}

void Print(const SimCommand& command, const RunResult& result, std::string replay) {
  if (command.check) replay += " --check";
  if (command.json) {
    std::printf("%s\n", ToJson(result, replay).c_str());
    return;
  }
  std::fputs(DescribeDrawn(result).c_str(), stdout);
  std::fputs(DescribeOutcome(result).c_str(), stdout);
  if (command.check && (result.passed() || result.failures.front().kind != "nondeterminism")) {
    std::printf("check: two runs in fresh, different processes gave the same hash\n");
  }
  PrintHints(command, result);
  std::printf("replay: %s\n", replay.c_str());
}

}  // namespace

int SimVerb(int argc, char** argv, const System& system) {
  SimCommand command;
  if (const std::optional<int> exit_code = Parse(argc, argv, command)) return *exit_code;
  const absl::StatusOr<std::unique_ptr<PreparedRun>> run = PreparedRun::Make(command, system);
  if (!run.ok()) return RefuseInput(command, std::string(run.status().message()));
  if (!command.leg.empty()) {
    if (RunLeg((*run)->request(), command.leg)) return kExitPassed;
    return RefuseInput(command, std::string(kLegOption) + " is not for people; use --check");
  }
  AtomicFile plan_file;
  absl::Status writable;
  if (!command.save_plan_file.empty()) writable = plan_file.Open(command.save_plan_file);
  if (writable.ok() && !command.trace_file.empty()) writable = TryToWrite(command.trace_file);
  if (!writable.ok()) return RefuseInput(command, std::string(writable.message()));

  const RunResult result = command.check ? RunChecked((*run)->request(), (*run)->arguments())
                                         : RunIsolated((*run)->request());
  if (!command.save_plan_file.empty()) {
    const absl::Status saved = plan_file.Commit(PlanWithOutcome(result));
    if (!saved.ok()) return RefuseInput(command, std::string(saved.message()));
  }
  Print(command, result, (*run)->ReplayCommand());
  return result.passed() ? kExitPassed : kExitFailed;
}

}  // namespace orrery::sim
