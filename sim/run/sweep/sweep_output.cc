// The last words of a sweep.
#include "sim/run/sweep/sweep_output.h"

#include "sim/run/json_object.h"
#include "sim/run/report.h"

namespace orrery::sim {
namespace {

constexpr size_t kBugsShown = 20;

// As it is typed in the folder where the sweep was begun. Without an --out: the verb `sim`.
std::string CommandOf(const Bug& bug, const std::string& program, const std::string& folder,
                      const PreparedSweep* prepared) {
  if (!folder.empty()) {
    return ShellCommand({program, "replay", folder + "/" + BugFolder(bug) + "/plan.textproto"});
  }
  std::vector<std::string> words = prepared->ArgumentsOf(bug.cheapest);
  words.insert(words.begin(), program);
  if (bug.kind == "nondeterminism") words.push_back("--check");
  return ShellCommand(words);
}

std::string BugLines(const Tally& tally, const std::string& program, const std::string& folder,
                     const PreparedSweep* prepared) {
  std::string text;
  size_t rank = 0;
  for (const Bug* bug : tally.Bugs()) {
    if (rank++ == kBugsShown) {
      return text + "  and " + GroupedText(tally.bug_count() - kBugsShown) + " more\n";
    }
    text += "  " + GroupedText(bug->count) + "x " + bug->signature + "\n      in " +
            DescribeScenariosOf(*bug, tally.parameters()) +
            "; cheapest: " + tally.parameters().scenarios[bug->cheapest.scenario].name + ", seed " +
            std::to_string(bug->cheapest.seed) + ", " + GroupedText(bug->events) +
            " events\n      " + CommandOf(*bug, program, folder, prepared) + "\n";
  }
  return text;
}

std::string ProbeLine(const SweepReport& report) {
  const Tally& tally = report.tally;
  std::string text = "probes: " + GroupedText(tally.ProbesReached().size()) + " of " +
                     GroupedText(tally.parameters().probes.size()) + " reached";
  if (report.dark.has_value()) {
    text += ", " + GroupedText(report.dark->size()) + " went dark since the baseline";
    for (const std::string& probe : *report.dark) text += "\n  dark: " + probe;
  }
  return text + "\n";
}

std::string Body(const SweepReport& report, const std::string& program, const std::string& folder,
                 const PreparedSweep* prepared) {
  const Tally& tally = report.tally;
  std::string text = DescribeRuns(tally) + "\n";
  if (!tally.passed()) text += "bugs\n" + BugLines(tally, program, folder, prepared);
  text += ProbeLine(report);
  if (!folder.empty()) text += "report: " + folder + "/report.md\n";
  return text;
}

std::string Verdict(const Tally& tally) { return "verdict: " + DescribeVerdict(tally) + "\n"; }

}  // namespace

std::string TallyText(const SweepReport& report, const std::string& program,
                      const std::string& folder) {
  return Body(report, program, folder, nullptr) + Verdict(report.tally);
}

std::string SweepText(const Sweep& sweep, const PreparedSweep& prepared) {
  const SweepReport report = sweep.Report();
  const Tally::OfScenario sum = report.tally.Sum();
  std::string text = Body(report, prepared.command().program, prepared.command().out, &prepared);
  text += SecondsText(sum.cpu) + " s of processor time in " + SecondsText(sweep.elapsed()) +
          " s; " + GroupedText(SeedsPerCoreHour(sum.runs, sum.cpu)) + " seeds per core-hour\n";
  if (const std::optional<SweptRun>& first = sweep.first_failure(); first.has_value()) {
    text += "first failure: " + report.tally.parameters().scenarios[first->run.scenario].name +
            ", seed " + std::to_string(first->run.seed) + ", after " + GroupedText(sum.runs) +
            " runs and " + SecondsText(sweep.cpu()) + " s of processor time: " + first->signature +
            "\n";
  }
  if (sweep.interrupted()) text += "interrupted; the same command goes on\n";
  return text + Verdict(report.tally);
}

std::string SweepJson(const Sweep& sweep, const PreparedSweep& prepared) {
  const SweepReport report = sweep.Report();
  std::string first_failure = "null";
  if (const std::optional<SweptRun>& first = sweep.first_failure(); first.has_value()) {
    first_failure =
        JsonObject()
            .Text("scenario", report.tally.parameters().scenarios[first->run.scenario].name)
            .Number("seed", first->run.seed)
            .Text("signature", first->signature)
            .Text("kind", first->kind)
            .Text("text", first->text)
            .Take();
  }
  std::string more =
      JsonObject()
          .Raw("interrupted", sweep.interrupted() ? "true" : "false")
          .Raw("cpu_seconds", SecondsText(sweep.cpu()))
          .Raw("timing", ReportTiming(report.tally, sweep.elapsed(), prepared.jobs()))
          .Raw("first_failure", first_failure)
          .Take();
  more[0] = ',';
  std::string text = ReportJson(report);
  text.pop_back();
  return text + more + "\n";
}

}  // namespace orrery::sim
