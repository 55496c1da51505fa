// Reading a journal for what its runs reached.
#include "sim/run/sweep/probe_coverage.h"

#include <algorithm>
#include <tuple>

#include "sim/run/json_object.h"
#include "sim/run/sweep/sweep_report.h"
#include "sim/run/sweep/tally.h"

namespace orrery::sim {
namespace {

std::string Padded(std::string text, size_t width) {
  text.insert(0, width - std::min(width, text.size()), ' ');
  return text;
}

}  // namespace

absl::StatusOr<std::string> ProbeTable(const std::string& folder, bool json) {
  ASSIGN_OR_RETURN(SweepParameters parameters, ReadParameters(folder));
  Tally tally(std::move(parameters));
  RETURN_IF_ERROR(ReadRuns(folder, [&tally](const SweptRun& run) { tally.Add(run); }));
  std::vector<std::pair<uint64_t, std::string>> table;
  for (size_t i = 0; i < tally.probe_runs().size(); ++i) {
    table.emplace_back(tally.probe_runs()[i], tally.parameters().probes[i]);
  }
  std::ranges::sort(table);
  if (json) {
    JsonList probes;
    for (const auto& [runs, name] : table) {
      probes.Raw(JsonObject().Text("name", name).Number("runs", runs).Take());
    }
    return JsonObject().Number("runs", tally.Sum().runs).Raw("probes", probes.Take()).Take() + "\n";
  }
  std::string text = GroupedText(tally.ProbesReached().size()) + " of " +
                     GroupedText(table.size()) + " probes reached in " +
                     GroupedText(tally.Sum().runs) + " runs\n";
  for (const auto& [runs, name] : table) {
    text += Padded(runs == 0 ? "never" : GroupedText(runs), 12) + "  " + name + "\n";
  }
  return text;
}

absl::StatusOr<std::string> SeedsOfProbe(const std::string& folder, const std::string& name,
                                         bool json) {
  ASSIGN_OR_RETURN(const SweepParameters parameters, ReadParameters(folder));
  const auto found = std::ranges::find(parameters.probes, name);
  if (found == parameters.probes.end()) {
    return Error(ErrorCode::invalid_argument,
                 name + ": there is no such probe; without a name all are listed");
  }
  const auto probe = static_cast<size_t>(found - parameters.probes.begin());
  std::vector<std::pair<uint64_t, SeedOfScenario>> cheapest;  // By events.
  uint64_t runs = 0;
  RETURN_IF_ERROR(ReadRuns(folder, [&](const SweptRun& run) {
    if (run.rerun || !Reached(run, probe)) return;
    ++runs;
    const std::pair entry(run.events, run.run);
    cheapest.insert(std::ranges::upper_bound(cheapest, entry), entry);
    if (cheapest.size() > kProbeSeedsMax) cheapest.pop_back();
  }));
  if (json) {
    JsonList seeds;
    for (const auto& [events, run] : cheapest) {
      seeds.Raw(JsonObject()
                    .Text("scenario", parameters.scenarios[run.scenario].name)
                    .Number("seed", run.seed)
                    .Number("events", events)
                    .Take());
    }
    return JsonObject().Text("probe", name).Number("runs", runs).Raw("seeds", seeds.Take()).Take() +
           "\n";
  }
  std::string text = name + " was reached in " + GroupedText(runs) + " runs\n";
  for (const auto& [events, run] : cheapest) {
    text += "  " + parameters.scenarios[run.scenario].file + " --seed " + std::to_string(run.seed) +
            "  (" + GroupedText(events) + " events)\n";
  }
  return text;
}

}  // namespace orrery::sim
