// Greedy choice: zones first, then fitness, then load.
#include "txn/recovery/placement.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "core/base/invariant.h"

namespace orrery {

namespace {

std::string CountOf(size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) +
         (count == 1            ? ""
          : what.ends_with("s") ? "es"
                                : "s");
}

size_t ZonesOf(const std::vector<WorkerInfo>& workers, RoleSort sort) {
  std::set<std::string_view> zones;
  for (const WorkerInfo& worker : workers) {
    if (FitnessOf(worker.process_class(), sort) != Fitness::kUnfit) zones.insert(worker.zone());
  }
  return zones.size();
}

std::string TooFewZones(const std::vector<WorkerInfo>& workers, RoleSort sort,
                        std::string_view roles, uint32_t replication) {
  return std::string(roles) + " must stand in " + CountOf(replication, "zone") + " (" +
         std::string(RedundancyName(replication)) + "), and the processes that may host them, of " +
         CountOf(workers.size(), "process") + " known, are in " +
         CountOf(ZonesOf(workers, sort), "zone");
}

bool AllAtLeast(const std::vector<WorkerInfo>& workers, const std::vector<size_t>& chosen,
                RoleSort sort, Fitness fitness) {
  return std::all_of(chosen.begin(), chosen.end(), [&](size_t i) {
    return FitnessOf(workers[i].process_class(), sort) <= fitness;
  });
}

}  // namespace

Fitness FitnessOf(std::string_view process_class, RoleSort sort) {
  if (process_class == "coordinator") return Fitness::kUnfit;
  if (process_class == "log") {
    return sort == RoleSort::kLog         ? Fitness::kBest
           : sort == RoleSort::kStateless ? Fitness::kPoor
                                          : Fitness::kUnfit;
  }
  if (process_class == "storage") {
    return sort == RoleSort::kStorage ? Fitness::kBest : Fitness::kPoor;
  }
  if (process_class == "stateless") {
    return sort == RoleSort::kStateless ? Fitness::kBest : Fitness::kUnfit;
  }
  return Fitness::kGood;
}

std::vector<size_t> PlaceInZones(const std::vector<WorkerInfo>& workers, RoleSort sort,
                                 uint32_t count, uint32_t zones, Load& load) {
  INVARIANT(count >= zones && zones >= 1, count, zones);
  std::vector<size_t> chosen;
  std::set<size_t> used;
  std::map<std::string_view, uint32_t> in_zone;
  while (chosen.size() < count) {
    const bool new_zone = in_zone.size() < zones;
    size_t best = workers.size();
    // Fitness, roles of this kind in its zone, roles of the process.
    std::tuple<Fitness, uint32_t, uint32_t> best_rank;
    for (size_t i = 0; i < workers.size(); ++i) {
      const Fitness fitness = FitnessOf(workers[i].process_class(), sort);
      if (fitness == Fitness::kUnfit || used.contains(i)) continue;
      const auto zone = in_zone.find(workers[i].zone());
      if (new_zone && zone != in_zone.end()) continue;
      const auto at = load.find(workers[i].process());
      const std::tuple rank(fitness, zone == in_zone.end() ? 0 : zone->second,
                            at == load.end() ? 0 : at->second);
      if (best == workers.size() || rank < best_rank)
        std::tie(best, best_rank) = std::tuple(i, rank);
    }
    if (best == workers.size()) break;
    chosen.push_back(best);
    used.insert(best);
    ++in_zone[workers[best].zone()];
  }
  if (in_zone.size() < zones) return {};
  for (const size_t i : chosen) ++load[workers[i].process()];
  return chosen;
}

Placement PlaceGeneration(const std::vector<WorkerInfo>& workers,
                          const Configuration& configuration, bool with_storage) {
  const uint32_t replication = configuration.replication;
  const uint32_t logs = std::max(configuration.logs, replication);
  Placement placement;
  Load load;
  placement.logs = PlaceInZones(workers, RoleSort::kLog, logs, replication, load);
  if (placement.logs.empty()) {
    placement.missing = TooFewZones(workers, RoleSort::kLog, "logs", replication);
    return placement;
  }
  Load storage_load;  // Storage servers are there already, in every later generation.
  if (with_storage) {
    placement.storage =
        PlaceInZones(workers, RoleSort::kStorage, replication, replication, storage_load);
    if (placement.storage.empty()) {
      placement.missing = TooFewZones(workers, RoleSort::kStorage, "storage servers", replication);
      return placement;
    }
  }
  const auto place = [&](uint32_t count) {
    return PlaceInZones(workers, RoleSort::kStateless, count, 1, load);
  };
  const std::vector<size_t> sequencer = place(1);
  if (sequencer.empty()) {
    placement.missing = "no process may host a sequencer, proxies and resolvers, of " +
                        CountOf(workers.size(), "process") + " known";
    return placement;
  }
  placement.sequencer = sequencer[0];
  placement.resolvers = place(configuration.resolvers);
  placement.commit_proxies = place(configuration.commit_proxies);
  placement.grv_proxies = place(configuration.grv_proxies);
  placement.good = placement.logs.size() >= logs &&
                   placement.resolvers.size() >= configuration.resolvers &&
                   placement.commit_proxies.size() >= configuration.commit_proxies &&
                   placement.grv_proxies.size() >= configuration.grv_proxies &&
                   AllAtLeast(workers, placement.logs, RoleSort::kLog, Fitness::kGood) &&
                   AllAtLeast(workers, placement.storage, RoleSort::kStorage, Fitness::kGood);
  return placement;
}

}  // namespace orrery
