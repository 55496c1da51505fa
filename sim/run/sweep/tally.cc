// Adding up what the runs gave.
#include "sim/run/sweep/tally.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/base/hash.h"
#include "sim/run/report.h"

namespace orrery::sim {
namespace {

constexpr size_t kNameWordsBytesMax = 44;

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string BugName(const std::string& signature) {
  std::string name;
  for (const char c : signature) {
    if (IsLetterOrDigit(c)) {
      name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  if (name.size() > kNameWordsBytesMax) {
    name.resize(kNameWordsBytesMax);
    // No half of a word, unless that is all there is.
    if (const size_t dash = name.rfind('-'); dash != std::string::npos) name.resize(dash);
  }
  while (name.ends_with('-')) name.pop_back();
  return name + "-" + HashText(HashBytes(signature)).substr(0, 4);
}

bool Reached(const SweptRun& run, size_t probe) {
  const size_t byte = probe / 8;
  return byte < run.probes.size() && (run.probes[byte] >> (probe % 8) & 1) != 0;
}

Tally::Tally(SweepParameters parameters)
    : parameters_(std::move(parameters)),
      scenarios_(parameters_.scenarios.size()),
      probe_runs_(parameters_.probes.size()) {}

bool Tally::Add(const SweptRun& run) {
  if (!run.rerun) {
    OfScenario& scenario = scenarios_[run.run.scenario];
    ++scenario.runs;
    scenario.failed += run.passed() ? 0 : 1;
    scenario.checked += run.checked ? 1 : 0;
    scenario.events += run.events;
    scenario.faults += run.faults;
    scenario.simulated += run.simulated;
    for (size_t i = 0; i < probe_runs_.size(); ++i) probe_runs_[i] += Reached(run, i) ? 1 : 0;
  }
  scenarios_[run.run.scenario].cpu += run.cpu;
  if (run.passed()) return false;
  Bug& bug = bugs_[run.signature];
  const bool first = bug.count == 0;
  ++bug.count;
  ++bug.scenarios[run.run.scenario];
  if (first || std::tie(run.events, run.run) < std::tie(bug.events, bug.cheapest)) {
    bug.signature = run.signature;
    bug.name = BugName(run.signature);
    bug.kind = run.kind;
    bug.cheapest = run.run;
    bug.events = run.events;
    bug.hash = run.hash;
    bug.text = run.text;
  }
  return first;
}

Tally::OfScenario Tally::Sum() const {
  OfScenario sum;
  for (const OfScenario& scenario : scenarios_) {
    sum.runs += scenario.runs;
    sum.failed += scenario.failed;
    sum.checked += scenario.checked;
    sum.events += scenario.events;
    sum.faults += scenario.faults;
    sum.simulated += scenario.simulated;
    sum.cpu += scenario.cpu;
  }
  return sum;
}

bool Tally::complete() const {
  if (!parameters_.not_merged.empty()) return false;
  return !parameters_.by_seeds() || parameters_.until_failure ||
         Sum().runs == parameters_.planned_runs();
}

std::vector<const Bug*> Tally::Bugs() const {
  std::vector<const Bug*> list;
  for (const auto& [signature, bug] : bugs_) list.push_back(&bug);
  std::ranges::stable_sort(list, [](const Bug* a, const Bug* b) { return a->count > b->count; });
  return list;
}

std::vector<std::string> Tally::ProbesReached() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < probe_runs_.size(); ++i) {
    if (probe_runs_[i] > 0) names.push_back(parameters_.probes[i]);
  }
  return names;
}

std::vector<std::string> Tally::ProbesNeverReached() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < probe_runs_.size(); ++i) {
    if (probe_runs_[i] == 0) names.push_back(parameters_.probes[i]);
  }
  return names;
}

}  // namespace orrery::sim
