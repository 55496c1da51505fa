// The verb `explain`: runs a seed or a plan with a recorder on, and makes a picture of it.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "sim/report/build_story.h"
#include "sim/report/causality.h"
#include "sim/report/event_words.h"
#include "sim/report/explain_command.h"
#include "sim/report/html_writer.h"
#include "sim/report/story_recorder.h"
#include "sim/report/text_writer.h"
#include "sim/run/atomic_file.h"
#include "sim/run/json_object.h"
#include "sim/run/verbs.h"

namespace orrery::sim {
namespace {

constexpr const char* kAbout =
    "Runs a seed or a plan again and makes a picture of it: one HTML file, for a browser, or\n"
    "--text for a terminal. It shows processes, roles, faults, messages and operations over time,\n"
    "and what led to the failure.\n"
    "Exit code: 0 the picture was made, whatever the verdict; 1 it could not be; 2 bad input.";

// One line on standard error.
int Tell(const ExplainCommand& command, std::string what, int exit_code) {
  for (char& c : what) c = c == '\n' ? ' ' : c;
  std::fprintf(stderr, "%s explain: %s\n", command.program.c_str(), what.c_str());
  return exit_code;
}

// Fills `command`; an exit code when there is nothing more to do.
std::optional<int> Parse(int argc, char** argv, ExplainCommand& command) {
  command.program = argv[0];
  CLI::App app(kAbout, command.program + " explain");
  std::string output = "text";
  app.add_option("SEED|PLAN", command.target, "a seed, or the file of a fault plan")->required();
  app.add_option("--scenario", command.scenario_file,
                 "scenario file (TOML); of a plan: the file of its scenario's name beside it");
  app.add_option("--out", command.out_file, "the HTML file; of a plan: beside it");
  app.add_option("--from", command.from,
                 "simulated time (12.5s) from which messages and details are kept");
  app.add_option("--to", command.to, "and until when");
  app.add_flag("--text", command.text, "print what led to the failure, for a terminal");
  app.add_flag("--all", command.all,
               "with --text: all that may have mattered, not only the steps that led to it");
  app.add_option("--lines", command.lines, "with --text: events at most; the last ones")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}))
      ->capture_default_str();
  app.add_option("--knob", command.knobs, "NAME=VALUE: fixes a knob; may be repeated")
      ->allow_extra_args(false);
  app.add_option("-o,--output", output, "text or json: of what is printed")
      ->check(CLI::IsMember({"text", "json"}));
  try {
    app.parse(argc - 1, argv + 1);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return kExitPassed;
  } catch (const CLI::ParseError& error) {
    return Tell(command, std::string(error.what()) + "; see --help", kExitBadInput);
  }
  command.json = output == "json";
  return std::nullopt;
}

// What an operation that the evidence names did just before and after is told too.
constexpr Duration kAround = Milliseconds(5);

Story RunKeeping(const PreparedExplain& explain, std::vector<Span> kept) {
  StoryMemory memory;
  StoryRecorder recorder(memory, explain.wanted(), kept);
  RunRequest request = explain.run().request();
  request.observer = &recorder;
  const RunResult result = RunIsolated(request);
  const ToldStory told = {.milestones = memory.milestones().Read(),
                          .details = memory.details().Read(),
                          .milestones_dropped = memory.milestones().dropped(),
                          .details_dropped = memory.details().dropped(),
                          .running = memory.running().load(),
                          .wanted = explain.wanted(),
                          .kept = std::move(kept),
                          .kept_details = memory.kept().Read()};
  Story story = BuildStory(told, result);
  story.replay_command = explain.run().ReplayCommand();
  return story;
}

// The spans of the operations that the evidence names, where their details were not kept.
std::vector<Span> MissingSpans(const Story& story) {
  std::vector<Span> spans;
  if (!story.evidence.has_value()) return spans;
  for (const Evidence::Node& node : story.evidence->nodes) {
    const size_t index = OperationOf(story, node);
    if (index == Story::kNone) continue;
    const Story::Operation& operation = story.operations[index];
    const bool there = std::ranges::any_of(story.details, [&](const Span& span) {
      return span.Contains(operation.begin) && span.Contains(operation.end);
    });
    if (!there) spans.push_back({operation.begin - kAround, operation.end + kAround});
  }
  return Joined(std::move(spans));
}

// A run whose verdict names operations of long ago is run once more, to keep theirs.
Story Run(const PreparedExplain& explain) {
  Story story = RunKeeping(explain, {});
  std::vector<Span> missing = MissingSpans(story);
  return missing.empty() ? std::move(story) : RunKeeping(explain, std::move(missing));
}

std::string Json(const Story& story, const std::string& file) {
  JsonObject object;
  object.Number("seed", story.seed)
      .Text("scenario", story.scenario)
      .Text("verdict", story.passed() ? "passed" : "failed");
  if (!story.passed()) {
    const Story::Failure& failure = story.failures.front();
    object.Raw("failure",
               JsonObject().Text("kind", failure.kind).Text("text", failure.text).Take());
  }
  object.Number("events", story.events.size())
      .Number("messages", story.messages.size())
      .Number("dropped", story.details_dropped + story.milestones_dropped);
  if (!file.empty()) object.Text("file", file);
  return object.Text("replay_command", story.replay_command).Take();
}

void Print(const ExplainCommand& command, const Story& story, const std::string& file) {
  if (command.text) {
    const TextOptions options = {.past = command.all ? Past::kAll : Past::kSteps,
                                 .lines_max = static_cast<size_t>(command.lines)};
    std::fputs(StoryText(story, options).c_str(), stdout);
  }
  if (file.empty()) return;
  std::string line = "run " + std::string(story.passed() ? "passed" : "FAILED") + ", " +
                     std::to_string(story.events.size()) + " events, written to " + file;
  if (story.details_dropped > 0) {
    line += "; messages from " + SecondsText(story.details.back().from) + " s on, see --from";
  }
  std::printf("%s\n", line.c_str());
}

}  // namespace

int ExplainVerb(int argc, char** argv, const System& system) {
  ExplainCommand command;
  if (const std::optional<int> exit_code = Parse(argc, argv, command)) return *exit_code;
  const absl::StatusOr<std::unique_ptr<PreparedExplain>> explain =
      PreparedExplain::Make(command, system);
  if (!explain.ok()) {
    return Tell(command, std::string(explain.status().message()), kExitBadInput);
  }
  const std::string& file = (*explain)->out_file();
  AtomicFile page;
  if (!file.empty()) {
    if (const absl::Status opened = page.Open(file); !opened.ok()) {
      return Tell(command, std::string(opened.message()), kExitBadInput);
    }
  }
  const Story story = Run(**explain);
  if (story.events.empty()) {
    return Tell(
        command,
        "the run told nothing: " + (story.passed() ? "no event" : story.failures.front().text),
        kExitFailed);
  }
  if (!file.empty()) {
    if (const absl::Status written = page.Commit(StoryPage(story)); !written.ok()) {
      return Tell(command, std::string(written.message()), kExitFailed);
    }
  }
  if (command.json) {
    std::printf("%s\n", Json(story, file).c_str());
  } else {
    Print(command, story, file);
  }
  return kExitPassed;
}

}  // namespace orrery::sim
