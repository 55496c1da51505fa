// What the version window costs, under the load of window_load.h. Items per second are mutations,
// keys read or keys scanned.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "storage/server/window_load.h"

namespace orrery::window_load {
namespace {

using Kind = WindowMutation::Kind;
using Cursor = VersionWindow::Cursor;

// Steady state: as much is forgotten as applied. The making of the mutations is in the figure.
void ApplyAndForget(benchmark::State& state) {
  Filler filler(state.range(0) != 0);
  auto window = FullWindow(filler);
  for (auto _ : state) {
    filler.ApplyOne(*window);
    window->Forget(window->newest() - kWindow);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kPerVersion));
  state.counters["nodes"] = static_cast<double>(window->nodes());
  state.counters["MB"] = static_cast<double>(window->bytes()) / 1e6;
}
BENCHMARK(ApplyAndForget)->ArgName("prefix")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

void MakeMutationsOnly(benchmark::State& state) {
  Filler filler(false);
  for (auto _ : state) {
    for (size_t i = 0; i < kPerVersion; ++i) benchmark::DoNotOptimize(filler.RandomKey());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kPerVersion));
}
BENCHMARK(MakeMutationsOnly)->Unit(benchmark::kMicrosecond);

// Reads of keys of which 63 in 100 are in the window, `age` versions before the newest.
void Get(benchmark::State& state) {
  Filler filler(state.range(1) != 0);
  const auto window = FullWindow(filler);
  std::vector<std::string> keys;
  for (int i = 0; i < 100'000; ++i) keys.push_back(filler.RandomKey());
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(window->Get(keys[next], kWindow - state.range(0)));
    if (++next == keys.size()) next = 0;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Get)->ArgNames({"age", "prefix"})->Args({0, 0})->Args({5000, 0})->Args({0, 1});

void Scan(benchmark::State& state) {
  constexpr int64_t kScan = 1000;
  Filler filler(state.range(1) != 0);
  const auto window = FullWindow(filler);
  const auto order = state.range(0) == 0 ? Cursor::Order::ascending : Cursor::Order::descending;
  size_t bytes = 0;
  for (auto _ : state) {
    const std::string from = filler.RandomKey();
    const std::string last(17, '\xff');
    const KeyRangeRef range = state.range(0) == 0 ? KeyRangeRef{from, last} : KeyRangeRef{"", from};
    int64_t rows = 0;
    for (Cursor c(*window, range, kWindow, order); c.valid() && rows < kScan; c.Next(), ++rows) {
      bytes += c.key().size() + c.value().size() + static_cast<size_t>(c.value()[0]);
    }
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(state.iterations() * kScan);
}
BENCHMARK(Scan)
    ->ArgNames({"descending", "prefix"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({0, 1})
    ->Unit(benchmark::kMicrosecond);

// Clears of ranges of 100 keys, 63 of them in the window, with as much set and forgotten.
void ClearRanges(benchmark::State& state) {
  Filler filler(false);
  auto window = FullWindow(filler);
  for (auto _ : state) {
    const uint64_t first = filler.Below(kKeys);
    const std::string begin = MakeKey(first, false), end = MakeKey(first + 100, false);
    const WindowMutation clear{Kind::clear, begin, end};
    filler.ApplyOne(*window);
    window->Apply(window->newest(), {&clear, 1});
    window->Forget(window->newest() - kWindow);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ClearRanges)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace orrery::window_load

BENCHMARK_MAIN();
