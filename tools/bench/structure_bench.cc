// The database's pure structures under the loads of their own benchmarks. An operation is one
// transaction judged, one mutation applied and another one forgotten, or one key read.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "storage/server/window_load.h"
#include "tools/bench/registration.h"
#include "txn/resolver/conflict_load.h"

namespace orrery::bench {
namespace {

constexpr int64_t kBatchTransactions = 1000;

// Argument: by how many batches reads lag.
void ConflictSetResolve(benchmark::State& state) {
  conflict_load::ConflictLoad load(conflict_load::kSpread, kBatchTransactions, state.range(0),
                                   /*read_keys=*/1);
  while (state.KeepRunningBatch(kBatchTransactions)) load.ResolveBatch();
}

void WindowApply(benchmark::State& state) {
  window_load::Filler filler(/*prefix=*/false);
  const auto window = FullWindow(filler);
  while (state.KeepRunningBatch(static_cast<int64_t>(window_load::kPerVersion))) {
    filler.ApplyOne(*window);
    window->Forget(window->newest() - window_load::kWindow);
  }
}

void WindowGet(benchmark::State& state) {
  window_load::Filler filler(/*prefix=*/false);
  const auto window = FullWindow(filler);
  std::vector<std::string> keys;
  for (int i = 0; i < 100'000; ++i) keys.push_back(filler.RandomKey());
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(window->Get(keys[next], window_load::kWindow));
    if (++next == keys.size()) next = 0;
  }
}

}  // namespace

void RegisterStructureBenchmarks() {
  using benchmark::RegisterBenchmark;
  // The second lag is the whole window, and so is what is measured.
  RegisterBenchmark("structure/conflict_set", ConflictSetResolve)
      ->Arg(50)
      ->Arg(1000)
      ->Iterations(conflict_load::kWindowTransactions);
  RegisterBenchmark("structure/window_apply", WindowApply);
  RegisterBenchmark("structure/window_get", WindowGet);
}

}  // namespace orrery::bench
