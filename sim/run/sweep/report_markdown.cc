// The report for people.
#include <string_view>

#include "sim/run/report.h"
#include "sim/run/sweep/sweep_report.h"

namespace orrery::sim {
namespace {

constexpr size_t kTextLinesMax = 12;

// As a block of code, which needs no escaping but of its own end.
std::string Indented(std::string_view text) {
  std::string block;
  size_t lines = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (lines++ == kTextLinesMax) return block + "    ...\n";
    block.append("    ").append(line).append("\n");
  }
  return block;
}

// In a table or a line: names are words, but a stranger's may be anything.
std::string Inline(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view("\\`*_{}[]<>#|~").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

std::string Simulated(Duration duration) {
  const int64_t seconds = ToMilliseconds(duration) / 1000;
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min";
  return GroupedText(static_cast<uint64_t>(seconds / 3600)) + " h";
}

std::string ScenarioTable(const Tally& tally) {
  std::string text =
      "| Scenario | Runs | Failed | Bugs | Simulated | Faults | Events |\n"
      "|---|---:|---:|---:|---:|---:|---:|\n";
  for (uint32_t i = 0; i < tally.scenarios().size(); ++i) {
    const Tally::OfScenario& of = tally.scenarios()[i];
    size_t bugs = 0;
    for (const Bug* bug : tally.Bugs()) bugs += bug->scenarios.contains(i) ? 1 : 0;
    text += "| " + Inline(tally.parameters().scenarios[i].name) + " | " + GroupedText(of.runs) +
            " | " + (of.failed == 0 ? "0" : "**" + GroupedText(of.failed) + "**") + " | " +
            GroupedText(bugs) + " | " + Simulated(of.simulated) + " | " + GroupedText(of.faults) +
            " | " + GroupedText(of.events) + " |\n";
  }
  return text;
}

std::string BugSection(const SweepReport& report, const Bug& bug, bool has_folder) {
  const SweepParameters& parameters = report.tally.parameters();
  const SweepParameters::SweptScenario& cheapest = parameters.scenarios[bug.cheapest.scenario];
  std::string text = "### " + Inline(bug.name) + "\n\n" + Indented(bug.signature) + "\n" +
                     GroupedText(bug.count) + (bug.count == 1 ? " run" : " runs") + " (" +
                     Inline(DescribeScenariosOf(bug, parameters)) + "). The cheapest, " +
                     Inline(cheapest.name) + " under seed " + std::to_string(bug.cheapest.seed) +
                     ", fails after " + GroupedText(bug.events) + " events:\n\n" +
                     Indented(bug.text) + "\n";
  if (!has_folder) {
    std::vector<std::string> words = {report.program, "sim",    "--scenario",
                                      cheapest.file,  "--seed", std::to_string(bug.cheapest.seed)};
    for (const std::string& knob : parameters.knobs) words.insert(words.end(), {"--knob", knob});
    return text + "To run it again, with the scenario at hand:\n\n" +
           Indented(ShellCommand(words)) + "\n";
  }
  text += "To run it again, shrink its plan, and draw a picture of it:\n\n";
  for (const char* verb : {"replay", "minimise", "explain"}) {
    text += Indented(ShellCommand({report.program, verb, BugFolder(bug) + "/plan.textproto"}));
  }
  return text + "\n";
}

std::string CodeList(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "`" : ", `") + name + "`";
  return text;
}

std::string ProbeSection(const SweepReport& report) {
  const Tally& tally = report.tally;
  const std::vector<std::string> reached = tally.ProbesReached();
  const std::vector<std::string> never = tally.ProbesNeverReached();
  std::string text = "## Probes\n\n" + GroupedText(reached.size()) + " of " +
                     GroupedText(tally.parameters().probes.size()) +
                     " rare paths were reached.\n\n";
  if (report.dark.has_value()) {
    text += report.dark->empty()
                ? "None went dark since the baseline.\n\n"
                : "**Went dark since the baseline:** " + CodeList(*report.dark) + "\n\n";
  }
  if (!never.empty()) {
    text += "<details><summary>" + GroupedText(never.size()) + " were never reached</summary>\n\n" +
            CodeList(never) + "\n\n</details>\n\n";
  }
  if (reached.empty()) return text;
  text += "<details><summary>Runs that reached each</summary>\n\n| Probe | Runs |\n|---|---:|\n";
  for (size_t i = 0; i < tally.probe_runs().size(); ++i) {
    if (tally.probe_runs()[i] == 0) continue;
    text +=
        "| `" + tally.parameters().probes[i] + "` | " + GroupedText(tally.probe_runs()[i]) + " |\n";
  }
  return text + "\n</details>\n";
}

}  // namespace

std::string ReportMarkdown(const SweepReport& report) {
  const Tally& tally = report.tally;
  const Tally::OfScenario sum = tally.Sum();
  std::string text = "# Sweep: " + DescribeVerdict(tally) + "\n\n" + DescribeRuns(tally) + ". " +
                     Simulated(sum.simulated) + " simulated, " + GroupedText(sum.faults) +
                     " faults, " + GroupedText(sum.events) + " events; " +
                     GroupedText(sum.checked) + (sum.checked == 1 ? " run was" : " runs were") +
                     " checked for determinism.\n";
  if (!tally.parameters().knobs.empty()) {
    text += "\nFixed knobs: " + CodeList(tally.parameters().knobs) + "\n";
  }
  text += "\n" + ScenarioTable(tally) + "\n";
  if (!tally.passed()) {
    text += "## Bugs\n\nThe commands are to be run in the folder of this report.\n\n";
    size_t rank = 0;
    for (const Bug* bug : tally.Bugs()) text += BugSection(report, *bug, rank++ < kBugFoldersMax);
  }
  return text + ProbeSection(report);
}

}  // namespace orrery::sim
