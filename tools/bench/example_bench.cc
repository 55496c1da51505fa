// The example under its scenario, as whoever runs seeds has it: its binary, one OS process for each
// seed. How much simulated time passes in a second of processor time, and how long a run takes to
// begin.
#include <benchmark/benchmark.h>
#include <chrono>
#include <string>

#include "tools/bench/commands.h"
#include "tools/bench/registration.h"

namespace orrery::bench {
namespace {

constexpr int kSeeds = 5;

std::string Folder() { return Runfile("sim/examples/replicated_log/"); }

absl::StatusOr<std::string> RunSeed(int seed) {
  return OutputOf("exec " + Folder() + "replicated_log sim -o json --scenario " + Folder() +
                  "scenario.toml --seed " + std::to_string(seed));
}

// An operation is a simulated second; its time is processor time.
void SimulatedSeconds(benchmark::State& state) {
  int seed = 0;
  while (state.KeepRunning()) {
    const absl::StatusOr<std::string> json = RunSeed(++seed);
    if (!json.ok()) {
      state.SkipWithError(Describe(json.status()).c_str());
      break;
    }
    state.SetIterationTime(NumberOf(*json, "cpu_seconds") / NumberOf(*json, "simulated_seconds"));
  }
}

// From the start of the OS process to the first event: what the run says of itself, and what any
// start of the binary takes.
void Start(benchmark::State& state) {
  int seed = 0;
  while (state.KeepRunning()) {
    const auto begin = std::chrono::steady_clock::now();
    const absl::StatusOr<std::string> help = OutputOf("exec " + Folder() + "replicated_log --help");
    const std::chrono::duration<double> process = std::chrono::steady_clock::now() - begin;
    const absl::StatusOr<std::string> json = RunSeed(++seed);
    if (!help.ok() || !json.ok()) {
      state.SkipWithError(Describe(help.ok() ? json.status() : help.status()).c_str());
      break;
    }
    state.SetIterationTime(process.count() + NumberOf(*json, "start_seconds"));
  }
}

}  // namespace

void RegisterExampleBenchmarks() {
  const auto add = [](const char* name, void (*run)(benchmark::State&)) {
    benchmark::RegisterBenchmark(name, run)->Iterations(kSeeds)->UseManualTime();
  };
  add("example/simulated_second", SimulatedSeconds);
  add("example/start", Start);
}

}  // namespace orrery::bench
