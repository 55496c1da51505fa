// Reading and drawing of topologies.
#include "workloads/system/topology.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/rpc/endpoint.h"

namespace orrery::workloads {
namespace {

constexpr uint16_t kFirstPort = 4500;
constexpr uint32_t kFirstAddress = 0x0a000001;  // 10.0.0.1: as System::Deploy says.

constexpr std::string_view kCoordinatorMachine = "coordinator-";

constexpr int64_t kMachinesMax = 50;
constexpr int64_t kProcessesPerMachineMax = 20;
constexpr int64_t kCoordinatorsMax = 9;
constexpr int64_t kRolesMax = 50;
constexpr int64_t kReplicationMax = 3;

absl::StatusOr<int64_t> ReplicationOf(const sim::Options& options, int64_t standard) {
  const std::string_view name = RedundancyName(static_cast<uint32_t>(standard));
  ASSIGN_OR_RETURN(const std::string given, options.Text("redundancy", name));
  for (int64_t k = 1; k <= kReplicationMax; ++k) {
    if (given == RedundancyName(static_cast<uint32_t>(k))) return k;
  }
  return options.Refuse("redundancy", "expected \"single\", \"double\" or \"triple\"");
}

// Draws what is left open and remembers it.
class Settler {
 public:
  Settler(const sim::Options& options, Random& random) : options_(options), random_(random) {}

  absl::StatusOr<int64_t> Integer(const char* key, int64_t least, int64_t most, int64_t max) {
    return Value(key, random_.Between(least, most), max);
  }
  absl::StatusOr<int64_t> Value(const char* key, int64_t draw, int64_t max) {
    if (!options_.Has(key)) drawn.emplace_back(key, draw);
    return options_.Integer(key, draw, 1, max);
  }

  decltype(sim::Deployment::drawn) drawn;

 private:
  const sim::Options& options_;
  Random& random_;
};

}  // namespace

std::string MachineName(int64_t machine) { return "machine-" + std::to_string(machine + 1); }

std::string CoordinatorMachineName(int64_t machine) {
  return std::string(kCoordinatorMachine) + std::to_string(machine + 1);
}

bool IsCoordinatorMachine(std::string_view name) { return name.starts_with(kCoordinatorMachine); }

std::string ProcessName(int64_t machine, int64_t process) {
  return "server-" + std::to_string(machine + 1) + "-" + std::to_string(process + 1);
}

NetworkAddress ServerAddress(int64_t machine, int64_t process) {
  return NetworkAddress::V4(kFirstAddress + static_cast<uint32_t>(machine),
                            static_cast<uint16_t>(kFirstPort + process));
}

absl::StatusOr<decltype(sim::Deployment::drawn)> SettleTopology(const sim::Options& options,
                                                                Random& random) {
  // What is given bounds what is drawn.
  ASSIGN_OR_RETURN(const int64_t copies, ReplicationOf(options, 1));
  ASSIGN_OR_RETURN(const int64_t zones_given, options.Integer("zones", 1, 1, kMachinesMax));
  ASSIGN_OR_RETURN(const int64_t coordinators_given,
                   options.Integer("coordinators", 1, 1, kCoordinatorsMax));
  ASSIGN_OR_RETURN(const bool apart, options.Boolean("coordinators_apart", false));
  const int64_t both = apart ? coordinators_given + copies : 0;  // Machines of either sort.
  const int64_t least = std::max({int64_t{3}, copies, zones_given, coordinators_given, both});
  Settler settle(options, random);
  ASSIGN_OR_RETURN(const int64_t machines,
                   settle.Integer("machines", least, std::max(least, int64_t{7}), kMachinesMax));
  const int64_t zones_max = std::max(copies, std::min<int64_t>(machines, 5));
  ASSIGN_OR_RETURN(const int64_t zones, settle.Integer("zones", copies, zones_max, kMachinesMax));
  RETURN_IF_ERROR(settle.Integer("processes_per_machine", 1, 3, kProcessesPerMachineMax).status());

  const int64_t room = apart ? std::max<int64_t>(machines - copies, 1) : machines;
  const int64_t odd_room = room - 1 + room % 2;
  const int64_t coordinators = 2 * static_cast<int64_t>(random.Below(3)) + 1;  // 1, 3 or 5.
  ASSIGN_OR_RETURN(
      const int64_t settled,
      settle.Value("coordinators", std::min(coordinators, odd_room), kCoordinatorsMax));
  const int64_t others = apart ? std::max<int64_t>(machines - settled, 1) : machines;
  const int64_t replication = random.Between(1, std::min({zones, others, kReplicationMax}));
  if (!options.Has("redundancy")) {
    settle.drawn.emplace_back("redundancy",
                              std::string(RedundancyName(static_cast<uint32_t>(replication))));
  }
  ASSIGN_OR_RETURN(const int64_t k, ReplicationOf(options, replication));
  RETURN_IF_ERROR(settle.Integer("logs", k, k + 2, kRolesMax).status());
  RETURN_IF_ERROR(settle.Integer("commit_proxies", 1, 4, kRolesMax).status());
  RETURN_IF_ERROR(settle.Integer("grv_proxies", 1, 2, kRolesMax).status());
  RETURN_IF_ERROR(settle.Integer("resolvers", 1, 3, kRolesMax).status());
  return std::move(settle.drawn);
}

absl::StatusOr<Topology> TopologyOf(const sim::Options& settled) {
  Topology topology;
  ASSIGN_OR_RETURN(topology.machines, settled.Integer("machines", 1, 1, kMachinesMax));
  ASSIGN_OR_RETURN(topology.zones, settled.Integer("zones", 1, 1, kMachinesMax));
  ASSIGN_OR_RETURN(topology.processes_per_machine,
                   settled.Integer("processes_per_machine", 1, 1, kProcessesPerMachineMax));
  ASSIGN_OR_RETURN(const int64_t coordinators,
                   settled.Integer("coordinators", 1, 1, kCoordinatorsMax));
  ASSIGN_OR_RETURN(const int64_t replication, ReplicationOf(settled, 1));
  Configuration& configuration = topology.configuration;
  configuration.replication = static_cast<uint32_t>(replication);
  for (const auto& [key, count] : {std::pair("logs", &configuration.logs),
                                   std::pair("commit_proxies", &configuration.commit_proxies),
                                   std::pair("grv_proxies", &configuration.grv_proxies),
                                   std::pair("resolvers", &configuration.resolvers)}) {
    ASSIGN_OR_RETURN(const int64_t value, settled.Integer(key, 1, 1, kRolesMax));
    *count = static_cast<uint32_t>(value);
  }
  if (topology.zones > topology.machines) {
    return settled.Refuse("zones", "more zones than machines");
  }
  if (coordinators > topology.machines) {
    return settled.Refuse("coordinators", "more coordinators than machines");
  }
  if (coordinators % 2 == 0) {
    return settled.Refuse("coordinators", "an even number survives no more");
  }
  if (replication > topology.zones) {
    return settled.Refuse("redundancy", "each copy needs a zone of its own, and there are " +
                                            std::to_string(topology.zones));
  }
  ASSIGN_OR_RETURN(const bool apart, settled.Boolean("coordinators_apart", false));
  if (apart) {
    topology.machines_of_coordinators = coordinators;
    if (std::min(topology.machines - coordinators, topology.zones) < replication) {
      return settled.Refuse("coordinators_apart", "too few machines are left for all copies");
    }
  }
  topology.cluster.description = "simulated";
  topology.cluster.id = "cluster1";
  for (int64_t i = 0; i < coordinators; ++i) {
    topology.cluster.coordinators.emplace_back(ServerAddress(i, 0));
  }
  return topology;
}

}  // namespace orrery::workloads
