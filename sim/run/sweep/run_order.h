// RunOrder: which run of a sweep comes next.
//
// By seeds: all scenarios under the first seed, then under the second, and so on, beginning each
// time with another scenario; shard i of n takes every n-th. By time: the next seed of the scenario
// that has had the least processor time; shard i of n takes every n-th seed of each.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "core/base/time.h"
#include "sim/run/sweep/sweep_parameters.h"

namespace orrery::sim {

class RunOrder {
 public:
  explicit RunOrder(const SweepParameters& parameters);

  // Not to be given any more: it is in the journal. Before the first Next.
  void Skip(SeedOfScenario run);
  // The next one, which is begun now; nullopt when there is none.
  std::optional<SeedOfScenario> Next();
  // A run of this scenario has ended, in this process or one before.
  void Account(uint32_t scenario, Duration cpu);
  // One that Next gave was not made.
  void Return(SeedOfScenario run);

 private:
  // Ordinals from 0 on that come one by one, but for those that are skipped. Memory: those skipped
  // out of their turn.
  class Ordinals {
   public:
    void Skip(uint64_t ordinal);
    uint64_t Take();
    uint64_t next() const { return next_; }

   private:
    uint64_t next_ = 0;
    std::set<uint64_t> skipped_;  // All are greater than next_.
  };
  struct Cost {
    Duration cpu{};
    uint64_t ended = 0;
    uint64_t running = 0;
  };

  uint32_t scenarios() const { return static_cast<uint32_t>(costs_.size()); }
  SeedOfScenario AtPosition(uint64_t position) const;
  uint64_t PositionOf(SeedOfScenario run) const;
  uint32_t Cheapest() const;

  const SweepParameters parameters_;
  std::vector<Cost> costs_;         // By scenario.
  std::vector<Ordinals> ordinals_;  // One, or by time one of each scenario.
  std::set<SeedOfScenario> returned_;
};

}  // namespace orrery::sim
