// A small cluster in a simulated world: on each machine one process with a worker, on the first
// three a coordinator, all of them candidates for the controller; and an operator outside, who
// creates the database, asks the controller how it is, and commits rows, whose acknowledgements he
// remembers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/knobs/knobs.h"
#include "sim/world/world.h"
#include "txn/controller/controller.pb.h"
#include "txn/coordinator/cluster_file.h"

namespace orrery::testing {

// What the operator has seen.
struct Observed {
  bool created = false;
  uint64_t answers = 0;
  ClusterStatusReply status;  // The last one.
  uint64_t generation_max = 0;
  std::set<std::string> states;                       // recovery_state.
  std::map<uint64_t, std::set<uint64_t>> logs;        // Of the current set, by generation.
  std::map<uint64_t, std::set<uint64_t>> sequencers;  // By generation.
  std::string wrong;                                  // The first thing that must not be.

  std::set<uint64_t> acknowledged;  // Rows whose commit was acknowledged.
  uint64_t rows_read = 0;           // By the last check of them; 0 while it has not ended.
};

struct RecoveryWorldOptions {
  uint64_t seed = 1;
  size_t machines = 5;
  size_t zones = 5;
  std::string redundancy = "triple";
  bool randomise_knobs = false;
  bool writes = true;              // The operator commits rows.
  size_t row_bytes = 0;            // Of a row's value, beside its number.
  std::vector<std::string> knobs;  // name=value.
};

class RecoveryWorld {
 public:
  explicit RecoveryWorld(RecoveryWorldOptions options);
  ~RecoveryWorld();

  sim::World& world() { return *world_; }
  const Observed& observed() const { return observed_; }
  size_t machines() const { return options_.machines; }
  sim::Machine& machine(size_t i) { return *world_->machines()[i]; }
  sim::Process& process(size_t i) { return *machine(i).processes()[0]; }

  // Everything that is down comes up again.
  void StartAll();

  bool Run(Duration d) { return world_->RunUntil(world_->Now() + d); }

  // Until a generation above `generation` accepts commits and nothing is left to drain; false when
  // that takes more than `most`.
  bool RunUntilRecovered(uint64_t generation, Duration most);

  // Reads all that was acknowledged; false when that takes more than `most`, or finds less.
  bool RunUntilRowsRead(Duration most);

 private:
  const RecoveryWorldOptions options_;
  KnobSet knobs_;
  ClusterFile cluster_;
  Observed observed_;
  bool read_wanted_ = false;
  std::unique_ptr<sim::World> world_;
};

}  // namespace orrery::testing
