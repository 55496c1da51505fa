// What the reports share, and those for programs.
#include "sim/run/sweep/sweep_report.h"

#include <cstdio>
#include <utility>

#include "sim/run/atomic_file.h"
#include "sim/run/json_object.h"
#include "sim/run/report.h"

namespace orrery::sim {
namespace {

std::string ListOf(const std::vector<std::string>& names) {
  JsonList list;
  for (const std::string& name : names) list.Text(name);
  return list.Take();
}

void AddCounts(JsonObject& object, const Tally::OfScenario& counts) {
  object.Number("runs", counts.runs)
      .Number("passed", counts.runs - counts.failed)
      .Number("failed", counts.failed)
      .Number("checked", counts.checked)
      .Number("events", counts.events)
      .Number("faults", counts.faults)
      .Raw("simulated_seconds", SecondsText(counts.simulated));
}

std::string ScenarioJson(const Tally& tally, uint32_t scenario) {
  JsonObject object;
  object.Text("name", tally.parameters().scenarios[scenario].name)
      .Text("file", tally.parameters().scenarios[scenario].file);
  AddCounts(object, tally.scenarios()[scenario]);
  JsonList bugs;
  for (const Bug* bug : tally.Bugs()) {
    if (bug->scenarios.contains(scenario)) bugs.Text(bug->name);
  }
  return object.Raw("bugs", bugs.Take()).Take();
}

std::string BugJson(const Bug& bug, const SweepParameters& parameters, bool has_folder) {
  JsonObject object;
  object.Text("name", bug.name)
      .Text("signature", bug.signature)
      .Text("kind", bug.kind)
      .Number("count", bug.count);
  JsonObject scenarios;
  for (const auto& [scenario, count] : bug.scenarios) {
    scenarios.Number(parameters.scenarios[scenario].name, count);
  }
  object.Raw("scenarios", scenarios.Take());
  if (has_folder) object.Text("folder", BugFolder(bug));
  JsonObject cheapest;
  cheapest.Text("scenario", parameters.scenarios[bug.cheapest.scenario].name)
      .Number("seed", bug.cheapest.seed)
      .Number("events", bug.events)
      .Text("hash", HashText(bug.hash))
      .Text("text", bug.text);
  return object.Raw("cheapest", cheapest.Take()).Take();
}

std::string ProbesJson(const SweepReport& report) {
  const Tally& tally = report.tally;
  JsonObject reached;
  for (size_t i = 0; i < tally.probe_runs().size(); ++i) {
    if (tally.probe_runs()[i] == 0) continue;
    reached.Number(tally.parameters().probes[i], tally.probe_runs()[i]);
  }
  JsonObject probes;
  probes.Raw("reached", reached.Take()).Raw("never_reached", ListOf(tally.ProbesNeverReached()));
  if (report.dark.has_value()) probes.Raw("dark", ListOf(*report.dark));
  return probes.Take();
}

}  // namespace

uint64_t SeedsPerCoreHour(uint64_t runs, Duration cpu) {
  const uint64_t cpu_ms = static_cast<uint64_t>(ToMilliseconds(cpu));
  return cpu_ms == 0 ? 0 : runs * 3'600'000 / cpu_ms;
}

std::string SecondsText(Duration duration) {
  char text[48];
  std::snprintf(text, sizeof text, "%lld.%03lld",
                static_cast<long long>(ToMilliseconds(duration) / 1000),
                static_cast<long long>(ToMilliseconds(duration) % 1000));
  return text;
}

std::string GroupedText(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string BugFolder(const Bug& bug) { return "failures/" + bug.name; }

std::string DescribeScenariosOf(const Bug& bug, const SweepParameters& parameters) {
  std::string text;
  for (const auto& [scenario, count] : bug.scenarios) {
    text +=
        (text.empty() ? "" : ", ") + parameters.scenarios[scenario].name + " " + GroupedText(count);
  }
  return text;
}

std::string DescribeVerdict(const Tally& tally) {
  const size_t bugs = tally.bug_count();
  std::string text =
      bugs == 0 ? "passed" : "FAILED, " + GroupedText(bugs) + (bugs == 1 ? " bug" : " bugs");
  const SweepParameters& parameters = tally.parameters();
  if (!parameters.not_merged.empty()) {
    text += parameters.not_merged.size() == 1 ? ", shard" : ", shards";
    for (const uint32_t shard : parameters.not_merged) text += " " + std::to_string(shard + 1);
    text += " of " + std::to_string(parameters.shards) + " missing";
  } else if (!tally.complete()) {
    text += ", not complete: " + GroupedText(tally.Sum().runs) + " of " +
            GroupedText(parameters.planned_runs()) + " runs";
  }
  return text;
}

std::string DescribeRuns(const Tally& tally) {
  const Tally::OfScenario sum = tally.Sum();
  const size_t scenarios = tally.parameters().scenarios.size();
  return GroupedText(sum.runs) + (sum.runs == 1 ? " run of " : " runs of ") +
         GroupedText(scenarios) + (scenarios == 1 ? " scenario, " : " scenarios, ") +
         DescribeSeeds(tally.parameters()) +
         (tally.parameters().shards > 1 && tally.parameters().not_merged.empty()
              ? " --shard " + DescribeShard(tally.parameters())
              : "") +
         ": " + GroupedText(sum.runs - sum.failed) + " passed, " + GroupedText(sum.failed) +
         " failed";
}

std::string ReportJson(const SweepReport& report) {
  const Tally& tally = report.tally;
  const SweepParameters& parameters = tally.parameters();
  JsonObject object;
  object.Text("verdict", tally.passed() ? "passed" : "failed")
      .Raw("complete", tally.complete() ? "true" : "false")
      .Text("seeds", DescribeSeeds(parameters))
      .Raw("knobs", ListOf(parameters.knobs))
      .Number("check_one_in", parameters.check_one_in);
  AddCounts(object, tally.Sum());
  JsonList missing;
  for (const uint32_t shard : parameters.not_merged) missing.Raw(std::to_string(shard + 1));
  JsonList scenarios;
  for (uint32_t i = 0; i < parameters.scenarios.size(); ++i) {
    scenarios.Raw(ScenarioJson(tally, i));
  }
  JsonList bugs;
  size_t rank = 0;
  for (const Bug* bug : tally.Bugs()) {
    bugs.Raw(BugJson(*bug, parameters, rank++ < kBugFoldersMax));
  }
  return object.Raw("shards_missing", missing.Take())
      .Raw("scenarios", scenarios.Take())
      .Raw("bugs", bugs.Take())
      .Raw("probes", ProbesJson(report))
      .Take();
}

std::string ReportTiming(const Tally& tally, Duration real, int jobs) {
  const Tally::OfScenario sum = tally.Sum();
  JsonList scenarios;
  for (uint32_t i = 0; i < tally.scenarios().size(); ++i) {
    const Tally::OfScenario& of = tally.scenarios()[i];
    JsonObject entry;
    entry.Text("name", tally.parameters().scenarios[i].name)
        .Number("runs", of.runs)
        .Raw("cpu_seconds", SecondsText(of.cpu))
        .Number("seeds_per_core_hour", SeedsPerCoreHour(of.runs, of.cpu));
    scenarios.Raw(entry.Take());
  }
  JsonObject object;
  return object.Number("jobs", static_cast<uint64_t>(jobs))
      .Raw("real_seconds", SecondsText(real))
      .Raw("cpu_seconds", SecondsText(sum.cpu))
      .Number("seeds_per_core_hour", SeedsPerCoreHour(sum.runs, sum.cpu))
      .Raw("scenarios", scenarios.Take())
      .Take();
}

absl::Status WriteReports(const SweepReport& report, const std::string& folder, Duration real,
                          int jobs) {
  for (const auto& [name, text] :
       {std::pair("report.json", ReportJson(report) + "\n"),
        std::pair("report.md", ReportMarkdown(report)),
        std::pair("report.xml", ReportJunit(report)),
        std::pair("timing.json", ReportTiming(report.tally, real, jobs) + "\n")}) {
    RETURN_IF_ERROR(WriteAtomically(folder + "/" + name, text));
  }
  return absl::OkStatus();
}

}  // namespace orrery::sim
