// The verb `replay`: parsing its command line, and printing.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>

#include "sim/run/json_object.h"
#include "sim/run/replay/replay.h"
#include "sim/run/replay/replay_command.h"
#include "sim/run/replay/replay_observer.h"
#include "sim/run/report.h"
#include "sim/run/verbs.h"

namespace orrery::sim {
namespace {

constexpr const char* kAbout =
    "Runs a seed or a saved fault plan once more, and says whether it did the same: the same "
    "hash,\n"
    "or the first event that differs from the recording that is given, or lies beside the plan.\n"
    "Without a recording it is compared with the hash that the plan has, or with further runs.\n"
    "Exit code: 0 passed and the same, 1 failed or different, 2 bad input (nothing run or "
    "written).";

constexpr const char* kFooter =
    "Under a debugger the run stays in this process, and --break stops it there:\n"
    "  gdb --args orrery-sim replay PLAN --break 1234";

// One line on standard error.
int RefuseInput(const ReplayCommand& command, std::string what) {
  for (char& c : what) c = c == '\n' ? ' ' : c;
  std::fprintf(stderr, "%s replay: %s\n", command.program.c_str(), what.c_str());
  return kExitBadInput;
}

// Fills `command`; an exit code when there is nothing more to do.
std::optional<int> Parse(int argc, char** argv, ReplayCommand& command) {
  command.program = argv[0];
  CLI::App app(kAbout, command.program + " replay");
  app.footer(kFooter);
  std::string output = "text";
  app.add_option("SEED|PLAN", command.target, "a seed, or a fault plan's file")->required();
  app.add_option("--scenario", command.scenario_file,
                 "scenario file; without it NAME.toml beside a plan of scenario NAME");
  app.add_option("--recording", command.recording_file,
                 "compare with this; without it with NAME.orrc beside NAME.textproto, if there");
  CLI::Option* const until =
      app.add_option("--until", command.until, "stop at this simulated time: 12.5s");
  app.add_option("--trace", command.trace_level,
                 "show what processes tell: debug, info, warn or error, and above");
  app.add_option("--break", command.break_point,
                 "stop at an event: its number, TYPE or TYPE:N (the Nth) of a trace event, or "
                 "\"difference\"")
      ->excludes(until);
  app.add_option("--knob", command.knobs, "NAME=VALUE: fixes a knob; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--save-recording", command.save_recording_file,
                 "write a recording of the run here");
  app.add_option("-o,--output", output, "text or json")->check(CLI::IsMember({"text", "json"}));
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

const char* NameOf(Reference reference) {
  switch (reference) {
    case Reference::kRecording:
      return "recording";
    case Reference::kPlan:
      return "plan";
    case Reference::kTwoRuns:
      return "two_runs";
    case Reference::kNothing:
      break;
  }
  return "nothing";
}

void PrintJson(const PreparedReplay& replay, const ReplayResult& result) {
  JsonObject about;
  about.Text("reference", NameOf(replay.reference()))
      .Raw("same", result.same.has_value() ? (*result.same ? "true" : "false") : "null");
  if (const auto& comparison = result.run.comparison; comparison.has_value()) {
    about.Raw("same_events", std::to_string(comparison->same))
        .Raw("recorded_events", std::to_string(comparison->recorded));
    if (comparison->divergence.has_value()) {
      about.Raw("first_difference", std::to_string(comparison->divergence->index()));
    }
  }
  std::string line = ToJson(result.run, replay.CommandWith({}));
  line.pop_back();
  std::printf("%s,\"stopped\":%s,\"replay\":%s}\n", line.c_str(),
              result.run.stopped ? "true" : "false", about.Take().c_str());
}

void PrintBegin(const PreparedReplay& replay) {
  const RunRequest& request = replay.request();
  std::printf("replay of seed %llu, scenario %s (%s)\n",
              static_cast<unsigned long long>(request.seed), request.scenario.name.c_str(),
              request.scenario.file.c_str());
  if (!replay.plan_file().empty()) std::printf("plan %s\n", replay.plan_file().c_str());
  std::fflush(stdout);
}

void PrintEnd(const PreparedReplay& replay, const ReplayResult& result) {
  const RunResult& run = result.run;
  std::fputs(DescribeFailures(run).c_str(), stdout);
  std::printf("ended in phase \"%s\" at %s s, after event #%llu; hash %s\n", run.phase.c_str(),
              SecondsText(ToNanoseconds(run.simulated)).c_str(),
              static_cast<unsigned long long>(run.notes), HashText(run.hash).c_str());
  if (result.same.value_or(true)) std::printf("%s\n", result.compared.c_str());
  std::printf("%s", DescribeVerdict(run).c_str());
  if (run.passed() || replay.break_point().has_value()) return;
  if (const uint64_t event = run.failures.front().event; event != 0) {
    std::printf("to stop there: %s\n",
                replay.CommandWith({"--break", std::to_string(event)}).c_str());
  }
  if (!replay.trace_level().has_value()) {
    std::printf("to see what led to it: %s\n", replay.CommandWith({"--trace", "info"}).c_str());
  }
}

}  // namespace

int ReplayVerb(int argc, char** argv, const System& system) {
  ReplayCommand command;
  if (const std::optional<int> exit_code = Parse(argc, argv, command)) return *exit_code;
  const absl::StatusOr<std::unique_ptr<PreparedReplay>> prepared =
      PreparedReplay::Make(command, system);
  if (!prepared.ok()) return RefuseInput(command, std::string(prepared.status().message()));
  const PreparedReplay& replay = **prepared;
  if (!command.json) PrintBegin(replay);

  const bool debugger = DebuggerIsAttached();
  const std::optional<BreakPoint>& break_point = replay.break_point();
  std::optional<ReplayObserver> observer;
  if (break_point.has_value() || replay.trace_level().has_value()) {
    observer.emplace(ReplayObserver::Options{.trace_level = replay.trace_level(),
                                             .break_point = break_point,
                                             .json = command.json,
                                             .debugger = debugger});
  }
  const ReplayResult result = Replay(replay, observer.has_value() ? &*observer : nullptr, debugger);
  const bool missed = break_point.has_value() && !observer->reached();
  if (command.json) {
    PrintJson(replay, result);
  } else {
    PrintEnd(replay, result);
    if (missed) std::printf("it did not come to %s\n", break_point->ToText().c_str());
  }
  return result.run.passed() && !missed ? kExitPassed : kExitFailed;
}

}  // namespace orrery::sim
