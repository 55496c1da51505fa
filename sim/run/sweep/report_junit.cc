// The report for the page of test results of any CI.
#include <string_view>

#include "sim/run/report.h"
#include "sim/run/sweep/sweep_report.h"

namespace orrery::sim {
namespace {

// In an attribute or as text. What XML cannot hold at all becomes a question mark.
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\n':
        escaped += "&#10;";
        break;
      default:
        escaped += c >= ' ' && c <= '~' ? c : '?';
    }
  }
  return escaped;
}

std::string FailureElement(const SweepReport& report, const Bug& bug, uint32_t scenario) {
  const SweepParameters& parameters = report.tally.parameters();
  const std::string cheapest = parameters.scenarios[bug.cheapest.scenario].name + " under seed " +
                               std::to_string(bug.cheapest.seed);
  return "      <failure type=\"" + Escaped(bug.kind) + "\" message=\"" + Escaped(bug.signature) +
         "\">" +
         Escaped(std::to_string(bug.scenarios.at(scenario)) + " runs; the cheapest is " + cheapest +
                 "\n" + bug.text + "\n" +
                 ShellCommand({report.program, "replay", BugFolder(bug) + "/plan.textproto"})) +
         "</failure>\n";
}

}  // namespace

std::string ReportJunit(const SweepReport& report) {
  const Tally& tally = report.tally;
  std::string cases;
  size_t failed = 0;
  for (uint32_t i = 0; i < tally.scenarios().size(); ++i) {
    const Tally::OfScenario& of = tally.scenarios()[i];
    failed += of.failed > 0 ? 1 : 0;
    cases += "    <testcase classname=\"sweep\" name=\"" +
             Escaped(tally.parameters().scenarios[i].name) + "\">\n";
    for (const Bug* bug : tally.Bugs()) {
      if (bug->scenarios.contains(i)) cases += FailureElement(report, *bug, i);
    }
    if (of.runs == 0) cases += "      <skipped message=\"no run of it was made\"/>\n";
    cases += "      <system-out>" + std::to_string(of.runs) + " runs, " +
             std::to_string(of.failed) + " failed</system-out>\n    </testcase>\n";
  }
  size_t tests = tally.scenarios().size();
  if (!tally.complete()) {
    cases +=
        "    <testcase classname=\"sweep\" name=\"complete\">\n      <failure type=\"sweep\" "
        "message=\"" +
        Escaped(DescribeVerdict(tally)) + "\"/>\n    </testcase>\n";
    ++tests;
    ++failed;
  }
  const std::string counts = "tests=\"" + std::to_string(tests) + "\" failures=\"" +
                             std::to_string(failed) + "\" errors=\"0\"";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites " + counts +
         ">\n  <testsuite name=\"sweep\" " + counts + ">\n" + cases +
         "  </testsuite>\n</testsuites>\n";
}

}  // namespace orrery::sim
