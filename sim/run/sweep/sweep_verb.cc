// The verb `sweep` and its own two, `merge` and `probes`: their command lines.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>

#include "sim/run/sweep/merge.h"
#include "sim/run/sweep/prepared_sweep.h"
#include "sim/run/sweep/probe_coverage.h"
#include "sim/run/sweep/sweep.h"
#include "sim/run/sweep/sweep_output.h"
#include "sim/run/verbs.h"

namespace orrery::sim {
namespace {

constexpr const char* kAbout =
    "Runs scenarios under many seeds, each run in a process of its own, and groups what fails by\n"
    "bug. With --out the sweep can be interrupted, or killed, and the same command goes on; "
    "reports\n"
    "and one recorded failing run of each bug are there.\n"
    "  sweep merge --out DIR SHARD_DIR...   the shards of a sweep as one\n"
    "  sweep probes DIR [NAME]              which probes were reached; which seeds reach one\n"
    "Exit code: 0 all passed, 1 something failed, 2 bad input (nothing run or written).";

// One line on standard error.
int Refuse(const std::string& verb, std::string what) {
  for (char& c : what) c = c == '\n' ? ' ' : c;
  std::fprintf(stderr, "%s: %s\n", verb.c_str(), what.c_str());
  return kExitBadInput;
}

// Fills what the options of `app` are bound to; an exit code when there is nothing more to do.
std::optional<int> Parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return kExitPassed;
  } catch (const CLI::ParseError& error) {
    return Refuse(app.get_name(), std::string(error.what()) + "; see --help");
  }
  return std::nullopt;
}

void AddOutput(CLI::App& app, std::string& output) {
  app.add_option("-o,--output", output, "text or json")->check(CLI::IsMember({"text", "json"}));
}

std::optional<int> ParseSweep(int argc, char** argv, SweepCommand& command) {
  command.program = argv[0];
  CLI::App app(kAbout, command.program + " sweep");
  std::string output = "text";
  app.add_option("--scenarios", command.scenario_folder, "folder: every *.toml in it is run");
  app.add_option("--scenario", command.scenario_files, "scenario file; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--minutes", command.minutes,
                 "how long; the scenarios get equal shares of processor time");
  app.add_option("--seeds", command.seeds, "A-B: all of these seeds of every scenario");
  app.add_option("--first-seed", command.first_seed, "where --minutes begins (1)");
  app.add_option("--jobs", command.jobs, "runs at a time (one for each core)")
      ->check(CLI::PositiveNumber);
  app.add_option("--shard", command.shard, "I/N: every N-th run, from the I-th on");
  app.add_option("--out", command.out, "folder for the journal, the failures and the reports");
  app.add_option("--knob", command.knobs, "NAME=VALUE: fixes a knob; may be repeated")
      ->allow_extra_args(false);
  app.add_flag("--until-failure", command.until_failure, "stop at the first run that fails");
  app.add_option("--check-one-in", command.check_one_in,
                 "of how many runs one is checked for determinism (50; 0: none)");
  app.add_option("--baseline", command.baseline,
                 "the --out of another sweep: tells which of its probes went dark");
  AddOutput(app, output);
  if (const std::optional<int> exit_code = Parse(app, argc - 1, argv + 1)) return exit_code;
  command.json = output == "json";
  return std::nullopt;
}

int MergeVerb(int argc, char** argv, const std::string& program) {
  MergeCommand command{.program = program, .out = {}, .shard_folders = {}, .baseline = {}};
  CLI::App app(
      "Makes of the folders of all shards of a sweep what one sweep of all would have made: byte\n"
      "for byte the same reports. Exit code: 0 all passed, 1 something failed or a shard is\n"
      "missing, 2 bad input (nothing written).",
      program + " sweep merge");
  std::string output = "text";
  app.add_option("--out", command.out, "new folder")->required();
  app.add_option("shard_dirs", command.shard_folders, "the --out of each shard")->required();
  app.add_option("--baseline", command.baseline,
                 "the --out of another sweep: tells which of its probes went dark");
  AddOutput(app, output);
  if (const std::optional<int> exit_code = Parse(app, argc, argv)) return *exit_code;
  const absl::StatusOr<MergedSweep> merged = MergeShards(command);
  if (!merged.ok()) return Refuse(app.get_name(), std::string(merged.status().message()));
  for (const std::string& warning : merged->warnings) {
    std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), warning.c_str());
  }
  const SweepReport report = {.tally = merged->tally, .program = program, .dark = merged->dark};
  std::fputs(output == "json" ? (ReportJson(report) + "\n").c_str()
                              : TallyText(report, program, command.out).c_str(),
             stdout);
  return merged->tally.passed() && merged->tally.complete() ? kExitPassed : kExitFailed;
}

int ProbesVerb(int argc, char** argv, const std::string& program) {
  CLI::App app(
      "Lists the probes of a sweep, the rarest first; or, of one, up to ten seeds that\n"
      "reach it, the shortest runs first.",
      program + " sweep probes");
  std::string folder;
  std::string name;
  std::string output = "text";
  app.add_option("dir", folder, "the --out of a sweep")->required();
  app.add_option("name", name, "of a probe");
  AddOutput(app, output);
  if (const std::optional<int> exit_code = Parse(app, argc, argv)) return *exit_code;
  const absl::StatusOr<std::string> text = name.empty()
                                               ? ProbeTable(folder, output == "json")
                                               : SeedsOfProbe(folder, name, output == "json");
  if (!text.ok()) return Refuse(app.get_name(), std::string(text.status().message()));
  std::fputs(text->c_str(), stdout);
  return kExitPassed;
}

}  // namespace

int SweepVerb(int argc, char** argv, const System& system) {
  if (argc > 2 && std::strcmp(argv[2], "merge") == 0) return MergeVerb(argc - 2, argv + 2, argv[0]);
  if (argc > 2 && std::strcmp(argv[2], "probes") == 0) {
    return ProbesVerb(argc - 2, argv + 2, argv[0]);
  }
  SweepCommand command;
  if (const std::optional<int> exit_code = ParseSweep(argc, argv, command)) return *exit_code;
  const std::string verb = command.program + " sweep";
  const absl::StatusOr<std::unique_ptr<PreparedSweep>> prepared =
      PreparedSweep::Make(command, system);
  if (!prepared.ok()) return Refuse(verb, std::string(prepared.status().message()));
  Sweep sweep(**prepared);
  if (const absl::Status opened = sweep.Open(); !opened.ok()) {
    return Refuse(verb, std::string(opened.message()));
  }
  const absl::Status run = sweep.Run();
  std::fputs((command.json ? SweepJson(sweep, **prepared) : SweepText(sweep, **prepared)).c_str(),
             stdout);
  if (!run.ok()) {
    std::fprintf(stderr, "%s: ended early: %s\n", verb.c_str(), run.message().data());
    return kExitFailed;
  }
  return sweep.tally().passed() ? kExitPassed : kExitFailed;
}

}  // namespace orrery::sim
