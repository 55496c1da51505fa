// Kill points: the moments of a run at which something can die. A run without faults is recorded
// once; every event that it dispatched to a server process, whatever task that resumed at whatever
// await, is a moment at which that process, or everything, can be killed in another run that is
// the same up to there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "sim/run/runner.h"
#include "sim/run/scenario.h"
#include "workloads/system/database_system.h"

namespace orrery::workloads {

class KillPoints {
 public:
  // A short run of ring, ledger and exactly_once on five machines, triple, under this seed.
  explicit KillPoints(uint64_t seed);

  size_t size() const { return points_.size(); }

  // Kills the process of the point's event, at its moment; it starts again within 2 s.
  sim::RunResult KillOne(size_t point, Random& random) const;

  // Takes the power from all machines at the point's moment. Each has it again within 2 s, in an
  // order that `random` draws.
  sim::RunResult KillAll(size_t point, Random& random) const;

 private:
  struct Point {
    int64_t at_ns;  // Since the faults' phase began.
    std::string process;
  };

  std::string Plan(const std::string& faults) const;
  sim::RunResult Run(const std::string& plan) const;

  const uint64_t seed_;
  DatabaseSystem system_;
  sim::Scenario scenario_;
  std::vector<Point> points_;
};

}  // namespace orrery::workloads
