// Positions and seeds, and who has had the least.
#include "sim/run/sweep/run_order.h"

namespace orrery::sim {

void RunOrder::Ordinals::Skip(uint64_t ordinal) {
  if (ordinal > next_) {
    skipped_.insert(ordinal);
  } else if (ordinal == next_) {
    Take();
  }
}

uint64_t RunOrder::Ordinals::Take() {
  const uint64_t taken = next_++;
  while (!skipped_.empty() && *skipped_.begin() == next_) {
    skipped_.erase(skipped_.begin());
    ++next_;
  }
  return taken;
}

RunOrder::RunOrder(const SweepParameters& parameters)
    : parameters_(parameters),
      costs_(parameters.scenarios.size()),
      ordinals_(parameters.by_seeds() ? 1 : parameters.scenarios.size()) {}

// Each seed begins with another scenario, so that no shard has always the same ones.
SeedOfScenario RunOrder::AtPosition(uint64_t position) const {
  const uint64_t offset = position / scenarios();
  return {static_cast<uint32_t>((position + offset) % scenarios()),
          parameters_.first_seed + offset};
}

uint64_t RunOrder::PositionOf(SeedOfScenario run) const {
  const uint64_t offset = run.seed - parameters_.first_seed;
  return offset * scenarios() + (run.scenario + scenarios() - offset % scenarios()) % scenarios();
}

void RunOrder::Skip(SeedOfScenario run) {
  if (run.seed < parameters_.first_seed) return;
  if (parameters_.by_seeds()) {
    ordinals_[0].Skip(PositionOf(run) / parameters_.shards);
  } else {
    ordinals_[run.scenario].Skip((run.seed - parameters_.first_seed) / parameters_.shards);
  }
}

// What runs is counted as what the scenario's runs, or all, cost so far.
uint32_t RunOrder::Cheapest() const {
  Duration all{};
  uint64_t ended = 0;
  for (const Cost& cost : costs_) {
    all += cost.cpu;
    ended += cost.ended;
  }
  const auto mean = [](Duration cpu, uint64_t runs) {
    return runs == 0 ? Duration(1) : cpu / static_cast<int64_t>(runs);
  };
  uint32_t best = 0;
  Duration least = Duration::max();
  for (uint32_t i = 0; i < scenarios(); ++i) {
    const Cost& cost = costs_[i];
    const Duration one = cost.ended > 0 ? mean(cost.cpu, cost.ended) : mean(all, ended);
    const Duration expected = cost.cpu + one * static_cast<int64_t>(cost.running);
    if (expected < least) {
      best = i;
      least = expected;
    }
  }
  return best;
}

std::optional<SeedOfScenario> RunOrder::Next() {
  SeedOfScenario run;
  if (!returned_.empty()) {
    run = *returned_.begin();
    returned_.erase(returned_.begin());
  } else if (parameters_.by_seeds()) {
    if (ordinals_[0].next() >= parameters_.planned_runs()) return std::nullopt;
    run = AtPosition(ordinals_[0].Take() * parameters_.shards + parameters_.shard);
  } else {
    run.scenario = Cheapest();
    const uint64_t offset = ordinals_[run.scenario].next() * parameters_.shards + parameters_.shard;
    if (offset > UINT64_MAX - parameters_.first_seed) return std::nullopt;
    ordinals_[run.scenario].Take();
    run.seed = parameters_.first_seed + offset;
  }
  ++costs_[run.scenario].running;
  return run;
}

void RunOrder::Return(SeedOfScenario run) {
  --costs_[run.scenario].running;
  returned_.insert(run);
}

void RunOrder::Account(uint32_t scenario, Duration cpu) {
  Cost& cost = costs_[scenario];
  cost.cpu += cpu;
  ++cost.ended;
  if (cost.running > 0) --cost.running;
}

}  // namespace orrery::sim
