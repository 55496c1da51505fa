// The bounds of the probe section, which the linker provides when there is at least one PROBE, and
// the report over it.
#include "core/observe/probe.h"

#include <algorithm>

extern "C" {
[[gnu::weak, gnu::visibility("hidden")]] extern const orrery::ProbeSite __start_orrery_probes[];
[[gnu::weak, gnu::visibility("hidden")]] extern const orrery::ProbeSite __stop_orrery_probes[];
}

namespace orrery {

std::span<const ProbeSite> AllProbeSites() { return {__start_orrery_probes, __stop_orrery_probes}; }

void Probes::Merge(const Probes& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

std::vector<ProbeCount> ProbeReport(const Probes& probes) {
  const std::span<const ProbeSite> sites = AllProbeSites();
  std::vector<ProbeCount> report;
  for (size_t i = 0; i < sites.size(); ++i) report.push_back({sites[i].name, probes.count(i)});
  std::stable_sort(report.begin(), report.end(),
                   [](const ProbeCount& a, const ProbeCount& b) { return a.name < b.name; });
  size_t kept = 0;
  for (size_t i = 0; i < report.size(); ++i) {
    if (kept > 0 && report[kept - 1].name == report[i].name) {
      report[kept - 1].count += report[i].count;
    } else {
      report[kept++] = report[i];
    }
  }
  report.resize(kept);
  return report;
}

}  // namespace orrery
