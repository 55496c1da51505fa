// The example under its scenario, as whoever runs seeds has it: its binary, one OS process for each
// seed. How much simulated time passes in a second of processor time, and how long a run takes to
// begin.
#include <benchmark/benchmark.h>
#include <stdio.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/base/status.h"
#include "tools/bench/registration.h"

namespace orrery::bench {
namespace {

constexpr int kSeeds = 5;

// A command's standard output; an error when it does not end with exit code 0.
absl::StatusOr<std::string> OutputOf(const std::string& command) {
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return Error(ErrorCode::io_error, "cannot run " + command);
  std::string output;
  char piece[4096];
  while (const size_t bytes = ::fread(piece, 1, sizeof(piece), pipe)) output.append(piece, bytes);
  const int end = ::pclose(pipe);
  if (end != 0) return Error(ErrorCode::io_error, command + " has failed");
  return output;
}

// The example's folder among this program's runfiles.
std::string Folder() {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  return self + ".runfiles/orrery/sim/examples/replicated_log/";
}

absl::StatusOr<std::string> RunSeed(int seed) {
  return OutputOf("exec " + Folder() + "replicated_log sim -o json --scenario " + Folder() +
                  "scenario.toml --seed " + std::to_string(seed));
}

// The number under `name` in one JSON object.
double NumberOf(const std::string& json, const std::string& name) {
  const std::string key = "\"" + name + "\":";
  const size_t at = json.find(key);
  return at == std::string::npos ? 0 : std::strtod(json.c_str() + at + key.size(), nullptr);
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
