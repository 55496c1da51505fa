// Machines with one process each: the first few are coordinators; all may use the register, watch
// and stand for election; and an operator outside, who creates the register.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/knobs/knobs.h"
#include "sim/world/world.h"
#include "txn/coordinator/cluster_file.h"
#include "txn/coordinator/testing/register_history.h"

namespace orrery {
class LeaderWatch;
class RpcClient;
}  // namespace orrery

namespace orrery::testing {

struct CoordinatorWorldOptions {
  uint64_t seed = 1;
  size_t coordinators = 3;
  size_t machines = 5;
  bool proposers = true;
  bool candidates = false;
  bool randomise = true;  // Knobs, and what the world itself draws.
};

class CoordinatorWorld {
 public:
  explicit CoordinatorWorld(CoordinatorWorldOptions options);
  ~CoordinatorWorld();

  sim::World& world() { return *world_; }
  sim::Machine& machine(size_t i) { return *world_->machines()[i]; }
  sim::Process& process(size_t i) { return *machine(i).processes()[0]; }
  sim::Process& creator() { return *world_->FindProcess("creator"); }
  const CoordinatorWorldOptions& options() const { return options_; }
  RegisterHistory& history() { return history_; }
  bool created() const { return created_; }

  // By process: who leads as it sees it, 0 if it knows nobody.
  const std::vector<uint64_t>& seen_leaders() const { return seen_leaders_; }
  // Candidates that believe now that they lead, by process.
  const std::map<size_t, uint64_t>& leaders() const { return leaders_; }
  uint64_t elections() const { return elections_; }

  // False when something is wrong already.
  bool Run(Duration d);
  std::string Why() const;  // What is wrong.

  // One bad thing, drawn: kills, losses of power, failing syncs, lost disks (of fewer than half of
  // the coordinators in all), the network.
  void Break(Random& random);
  void Heal();
  size_t wiped() const { return wiped_; }

 private:
  Task<absl::Status> RunNode(Env* env, size_t self);
  Task<absl::Status> RunCreator(Env* env);
  Task<absl::Status> Propose(Env* env, RpcClient* rpc);
  Task<absl::Status> Stand(Env* env, RpcClient* rpc, size_t self);
  Task<absl::Status> Watch(LeaderWatch* watch, size_t self);

  const CoordinatorWorldOptions options_;
  KnobSet knobs_;
  ClusterFile cluster_;
  RegisterHistory history_;
  bool created_ = false;
  std::vector<uint64_t> seen_leaders_;
  std::map<size_t, uint64_t> leaders_;
  uint64_t elections_ = 0;
  size_t wiped_ = 0;
  std::unique_ptr<sim::World> world_;
};

}  // namespace orrery::testing
