// The verb `minimise`: its command line, its files, and what it prints.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

#include "core/base/hash.h"
#include "sim/run/atomic_file.h"
#include "sim/run/interrupt_watch.h"
#include "sim/run/minimise/minimise_report.h"
#include "sim/run/minimise/minimiser.h"
#include "sim/run/minimise/progress.h"
#include "sim/run/minimise/trial_journal.h"
#include "sim/run/minimise/trials.h"
#include "sim/run/real_time.h"
#include "sim/run/report.h"
#include "sim/run/run_target.h"
#include "sim/run/sim_command.h"
#include "sim/run/verbs.h"

namespace orrery::sim {
namespace {

constexpr const char* kAbout =
    "Makes the plan of a failing run as small as can be: leaves out faults, operations of\n"
    "workloads, deviations from the default order, knobs, machines and time, as long as the run\n"
    "fails with the same signature. Writes a plan that can be read, edited and replayed. What was\n"
    "interrupted goes on with the same command.\n"
    "Exit code: 0 done; 1 ended early by time or interrupt, the plan so far is written; 2 bad\n"
    "input, nothing is written, among it a plan that passes or does not fail twice the same.";

constexpr const char* kSuffix = ".textproto";
constexpr int kJobsMax = 256;
constexpr int kMinutesMax = 7 * 24 * 60;

struct MinimiseCommand {
  std::string target;  // A seed in decimal, or a plan's file.
  SimCommand sim;      // What fails.
  std::string out_file;
  std::string regressions;
  int jobs = 1;
  int minutes = 0;
  bool json = false;

  std::string state_file() const { return out_file + ".state"; }
};

int RefuseInput(const std::string& program, std::string what) {
  for (char& c : what) c = c == '\n' ? ' ' : c;
  std::fprintf(stderr, "%s minimise: %s\n", program.c_str(), what.c_str());
  return kExitBadInput;
}

// Fills `command`; an exit code when there is nothing more to do.
std::optional<int> Parse(int argc, char** argv, MinimiseCommand& command) {
  command.sim.program = argv[0];
  CLI::App app(kAbout, command.sim.program + " minimise");
  std::string output = "text";
  app.add_option("SEED|PLAN", command.target,
                 "of a run that fails: its seed, or the file of its plan")
      ->required();
  app.add_option("--scenario", command.sim.scenario_file,
                 "scenario file; without it NAME.toml beside a plan of scenario NAME");
  app.add_option("--knob", command.sim.knobs, "NAME=VALUE: fixes a knob; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--out", command.out_file,
                 "where to write; of a plan: its name with .min before the extension");
  app.add_option("--jobs", command.jobs, "runs side by side; as many as there are processors")
      ->check(CLI::Range(1, kJobsMax))
      ->default_str("");
  app.add_option("--minutes", command.minutes, "when to stop, if it is not done before; 60")
      ->check(CLI::Range(1, kMinutesMax))
      ->default_str("");
  app.add_option("--regressions", command.regressions,
                 "folder of plans that a test replays: offers to keep this one there");
  app.add_option("-o,--output", output, "text or json")->check(CLI::IsMember({"text", "json"}));
  command.jobs = std::clamp(static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)), 1, kJobsMax);
  command.minutes = 60;
  try {
    app.parse(argc - 1, argv + 1);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return kExitPassed;
  } catch (const CLI::ParseError& error) {
    return RefuseInput(command.sim.program, std::string(error.what()) + "; see --help");
  }
  command.json = output == "json";
  return std::nullopt;
}

absl::Status Refused(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

// "a" of "plans/a.textproto".
std::string NameOf(const std::string& file) {
  return WithoutExtension(file.substr(FolderOf(file).size()));
}

bool IsFolder(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// What was not given, from what was.
absl::Status CompleteNames(MinimiseCommand& command) {
  SimCommand& sim = command.sim;
  if (!command.regressions.empty() && !IsFolder(command.regressions)) {
    return Refused("--regressions " + command.regressions + ": is no folder");
  }
  ASSIGN_OR_RETURN(const RunTarget target, RunTarget::Find(command.target, sim.scenario_file));
  sim.seed = target.seed;
  sim.plan_file = target.plan_file;
  sim.scenario_file = target.scenario_file;
  if (!command.out_file.empty()) return absl::OkStatus();
  if (sim.plan_file.empty()) {
    command.out_file = NameOf(sim.scenario_file) + "-" + sim.seed + ".min" + kSuffix;
  } else {
    const std::string stem = WithoutExtension(sim.plan_file);
    command.out_file = stem + ".min" + sim.plan_file.substr(stem.size());
  }
  return absl::OkStatus();
}

absl::Status Complete(MinimiseCommand& command) {
  RETURN_IF_ERROR(CompleteNames(command));
  const std::string folder = FolderOf(command.out_file);
  if (access(folder.empty() ? "." : folder.c_str(), W_OK) == 0) return absl::OkStatus();
  return Refused(command.out_file + ": cannot be written: " + std::strerror(errno));
}

std::string ResumeCommand(const MinimiseCommand& command) {
  const SimCommand& sim = command.sim;
  std::vector<std::string> words = {sim.program, "minimise", command.target, "--scenario",
                                    sim.scenario_file};
  for (const std::string& knob : sim.knobs) words.insert(words.end(), {"--knob", knob});
  words.insert(words.end(), {"--out", command.out_file});
  return ShellCommand(words);
}

// Without the scenario where `replay` finds it by itself.
std::string ReplayCommand(const MinimiseCommand& command, const FaultPlan& plan) {
  std::vector<std::string> words = {command.sim.program, "replay", command.out_file};
  const std::string& scenario = command.sim.scenario_file;
  if (scenario != FolderOf(command.out_file) + plan.scenario() + ".toml") {
    words.insert(words.end(), {"--scenario", scenario});
  }
  return ShellCommand(words);
}

// The Bazel package that `folder` is, below the folder of the workspace; nullopt when it is none.
std::optional<std::string> BazelPackageOf(const std::string& folder) {
  std::error_code error;
  const std::filesystem::path full = std::filesystem::canonical(folder, error);
  if (error || !std::filesystem::exists(full / "BUILD.bazel", error)) return std::nullopt;
  for (std::filesystem::path top = full; top.has_relative_path(); top = top.parent_path()) {
    if (std::filesystem::exists(top / "WORKSPACE", error) ||
        std::filesystem::exists(top / "MODULE.bazel", error)) {
      return full.lexically_relative(top).native();
    }
  }
  return std::nullopt;
}

// Copies the plan to where a test replays it, under a name that a test may have, and runs that
// test where it is known how.
std::string KeepCommand(const MinimiseCommand& command) {
  std::string name = NameOf(command.out_file);
  if (name.ends_with(".min")) name.resize(name.size() - 4);
  for (char& c : name) {
    const bool kept = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!kept) c = '_';
  }
  std::string folder = command.regressions;
  if (!folder.ends_with('/')) folder += '/';
  std::string keep = ShellCommand({"cp", command.out_file, folder + name + kSuffix});
  if (const std::optional<std::string> package = BazelPackageOf(folder)) {
    keep += " && " + ShellCommand({"bazel", "test", "//" + *package + ":all",
                                   "--test_filter=*" + name + "*"});
  }
  return keep;
}

MinimiseReport ReportOf(const MinimiseCommand& command, Minimised found, const Trials& trials,
                        const TrialJournal& journal) {
  MinimiseReport report{.found = std::move(found), .plan_file = command.out_file};
  report.replay_command = ReplayCommand(command, report.found.plan);
  report.resume_command = ResumeCommand(command);
  if (!command.regressions.empty()) report.keep_command = KeepCommand(command);
  report.known = journal.found();
  report.runs = trials.runs() + report.known;
  report.cpu = ProcessorOfAll() + journal.found_cpu();
  return report;
}

int Fail(const MinimiseCommand& command, const absl::Status& status) {
  return RefuseInput(command.sim.program, std::string(status.message()));
}

// While one lives, nobody reading what is printed is no reason to end before the plan is written.
class ShieldFromBrokenPipes {
 public:
  ShieldFromBrokenPipes() : before_(signal(SIGPIPE, SIG_IGN)) {}
  ShieldFromBrokenPipes(const ShieldFromBrokenPipes&) = delete;
  ShieldFromBrokenPipes& operator=(const ShieldFromBrokenPipes&) = delete;
  ~ShieldFromBrokenPipes() { signal(SIGPIPE, before_); }

 private:
  void (*before_)(int);
};

int Run(const MinimiseCommand& command, const PreparedRun& run) {
  const Duration until = MonotonicNow() + Seconds(60) * command.minutes;
  std::optional<MinimiseProgress> progress(until);
  TrialJournal journal;
  std::function<void()> show;
  const ShieldFromBrokenPipes shield;
  std::optional<InterruptWatch> interrupts(std::in_place);
  const auto interrupted = [&interrupts] {
    if (interrupts.has_value() && interrupts->Take()) interrupts.reset();  // Another one ends it.
    return !interrupts.has_value();
  };
  Trials trials({.base = run.request(),
                 .jobs = command.jobs,
                 .until = until,
                 .tick = [&show] { show(); },
                 .interrupted = interrupted},
                journal);
  Minimiser minimiser(run.request(), trials, show);
  show = [&] { progress->Show(minimiser.state(), trials.runs(), journal.found()); };
  const absl::Status begun = minimiser.Begin();
  if (!begun.ok()) {
    progress.reset();
    const std::string& plan = command.sim.plan_file;
    return RefuseInput(command.sim.program, (plan.empty() ? command.sim.scenario_file : plan) +
                                                ": " + std::string(begun.message()));
  }
  // Another program makes something else of the plan.
  const absl::Status opened = journal.Open(
      command.state_file(), HashWords(HashBytes(run.request().plan), minimiser.original_hash()));
  if (!opened.ok()) return progress.reset(), Fail(command, opened);
  absl::StatusOr<Minimised> found = minimiser.Minimise();
  progress.reset();
  if (!found.ok()) return Fail(command, found.status());
  const MinimiseReport report = ReportOf(command, *std::move(found), trials, journal);
  AtomicFile out;
  absl::Status written = out.Open(command.out_file);
  if (written.ok()) written = out.Commit(PlanFileText(report));
  if (!written.ok()) return Fail(command, written);
  if (report.found.complete) journal.Remove();
  const std::string text = command.json ? MinimisedJson(report) + "\n" : DescribeMinimised(report);
  std::fputs(text.c_str(), stdout);
  return report.found.complete ? kExitPassed : kExitFailed;
}

}  // namespace

int MinimiseVerb(int argc, char** argv, const System& system) {
  MinimiseCommand command;
  if (const std::optional<int> exit_code = Parse(argc, argv, command)) return *exit_code;
  const absl::Status complete = Complete(command);
  if (!complete.ok()) return Fail(command, complete);
  const absl::StatusOr<std::unique_ptr<PreparedRun>> run = PreparedRun::Make(command.sim, system);
  if (!run.ok()) return Fail(command, run.status());
  return Run(command, **run);
}

}  // namespace orrery::sim
