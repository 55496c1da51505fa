// Placement: which workers host the roles of a generation. Pure.
//
// Each role goes to the workers of the best class for it; a class may be unfit. Logs and storage
// servers stand in as many zones as the replication says, at most one of a kind per process. Other
// roles are spread over processes, those with the fewest roles first. Among equals the order of
// the workers given decides, so the answer is a function of the arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "txn/controller/controller.pb.h"
#include "txn/metadata/configuration.h"

namespace orrery {

// How well a class suits a sort of role; smaller is better.
enum class Fitness : uint8_t { kBest, kGood, kPoor, kUnfit };

enum class RoleSort : uint8_t { kLog, kStorage, kStateless };

// Unknown classes count as "any".
Fitness FitnessOf(std::string_view process_class, RoleSort sort);

// How many roles each process has been given.
using Load = std::map<std::string, uint32_t>;

// Up to `count` workers, in `zones` zones at least, each in `load` afterwards. Indexes; empty when
// there are not enough zones (then `load` is as it was). REQUIRES: count >= zones >= 1.
std::vector<size_t> PlaceInZones(const std::vector<WorkerInfo>& workers, RoleSort sort,
                                 uint32_t count, uint32_t zones, Load& load);

// Where all roles of a generation go. Indexes into the workers; none twice in one list.
struct Placement {
  std::vector<size_t> logs;
  std::vector<size_t> storage;  // Only if it was asked for.
  size_t sequencer = 0;
  std::vector<size_t> resolvers;
  std::vector<size_t> grv_proxies;
  std::vector<size_t> commit_proxies;

  // Nothing, or why there is no placement: one sentence for people.
  std::string missing;
  // As many of each role as the configuration wants, none on a poor worker: waiting for more
  // workers would not make it better.
  bool good = false;
};

Placement PlaceGeneration(const std::vector<WorkerInfo>& workers,
                          const Configuration& configuration, bool with_storage);

}  // namespace orrery
