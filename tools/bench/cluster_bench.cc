// The simulated database under a scenario, as whoever runs seeds has it: its binary, one OS process
// for each seed. How much simulated time passes in a second of processor time, what an event and a
// commit take of it, and how many events there are when nobody wants anything.
#include <benchmark/benchmark.h>

#include <iterator>
#include <string>

#include "tools/bench/commands.h"
#include "tools/bench/registration.h"

namespace orrery::bench {
namespace {

// Seeds under which the reference run breaks enough: all kinds of fault it asks for are drawn.
constexpr int kSeeds[] = {16, 22, 30};

absl::StatusOr<std::string> RunSeed(const std::string& scenario, int seed) {
  return OutputOf("exec " + Runfile("tools/orrery/orrery-sim") + " sim -o json --scenario " +
                  Runfile(scenario) + " --seed " + std::to_string(seed));
}

// `time` says what of a run is the time of an iteration.
template <class TimeOf>
void RunSeeds(benchmark::State& state, const std::string& scenario, TimeOf time) {
  double cpu_us = 0, events = 0, commits = 0;
  for (size_t i = 0; state.KeepRunning(); ++i) {
    const absl::StatusOr<std::string> json = RunSeed(scenario, kSeeds[i % std::size(kSeeds)]);
    if (!json.ok()) {
      state.SkipWithError(Describe(json.status()).c_str());
      return;
    }
    state.SetIterationTime(time(*json));
    cpu_us += NumberOf(*json, "cpu_seconds") * 1e6;
    events += NumberOf(*json, "events");
    commits += NumberOf(*json, "commits");
  }
  if (events > 0) state.counters["event"] = cpu_us / events;
  if (commits > 0) state.counters["commit"] = cpu_us / commits;
}

// An operation is a simulated second; its time is processor time.
void SimulatedSeconds(benchmark::State& state, const std::string& scenario) {
  RunSeeds(state, scenario, [](const std::string& json) {
    return NumberOf(json, "cpu_seconds") / NumberOf(json, "simulated_seconds");
  });
}

// An operation is an event; its time is simulated.
void Events(benchmark::State& state, const std::string& scenario) {
  RunSeeds(state, scenario, [](const std::string& json) {
    return NumberOf(json, "simulated_seconds") / NumberOf(json, "events");
  });
}

}  // namespace

void RegisterClusterBenchmarks() {
  const auto add = [](const char* name, void (*run)(benchmark::State&, const std::string&),
                      const std::string& scenario) {
    benchmark::RegisterBenchmark(name,
                                 [run, scenario](benchmark::State& state) { run(state, scenario); })
        ->Iterations(std::size(kSeeds))
        ->UseManualTime();
  };
  add("cluster/idle", Events, "workloads/scenarios/idle.toml");
  add("cluster/ring", SimulatedSeconds, "tools/bench/ring_100.toml");
  add("cluster/reference", SimulatedSeconds, "workloads/scenarios/reference.toml");
}

}  // namespace orrery::bench
