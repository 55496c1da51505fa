// Topology: which machines and processes a scenario's [topology] asks for, and the database on
// them.
//
//   machines = 5                what is left open is drawn by the seed, from:  3 to 7
//   zones = 3                   machine i is in zone i modulo this              1 to 5
//   processes_per_machine = 2   all of them servers, at ports 4500, 4501, ...   1 to 3
//   coordinators = 3            the first processes of the first machines       1, 3 or 5
//   coordinators_apart = true   their machines do nothing else                 false
//   redundancy = "triple"       "single", "double" or "triple": of zones        what zones allow
//   logs = 3                    these four: as Configuration says
//   commit_proxies = 2
//   grv_proxies = 1
//   resolvers = 1
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/env/address.h"
#include "sim/run/options.h"
#include "sim/run/system.h"
#include "txn/coordinator/cluster_file.h"
#include "txn/metadata/configuration.h"

namespace orrery::workloads {

struct Topology {
  int64_t machines = 0;
  int64_t zones = 0;
  int64_t processes_per_machine = 0;
  int64_t machines_of_coordinators = 0;  // The first ones, which do nothing else.
  ClusterFile cluster;
  Configuration configuration;
};

// Both from 0, in the order of the deployment.
std::string MachineName(int64_t machine);
std::string CoordinatorMachineName(int64_t machine);  // Of one that does nothing else.
bool IsCoordinatorMachine(std::string_view name);
std::string ProcessName(int64_t machine, int64_t process);
NetworkAddress ServerAddress(int64_t machine, int64_t process);

// What `options` leave open, drawn: for Deployment::drawn. A key that is given shifts no other
// draw.
absl::StatusOr<decltype(sim::Deployment::drawn)> SettleTopology(const sim::Options& options,
                                                                Random& random);

// REQUIRES: nothing is left open. invalid_argument for values that make no sense together.
absl::StatusOr<Topology> TopologyOf(const sim::Options& settled);

}  // namespace orrery::workloads
