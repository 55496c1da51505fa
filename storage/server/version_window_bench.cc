// What the version window costs: 16-byte keys, 100-byte values, a window of 1 M mutations spread
// over 1 M keys. Items per second are mutations, keys read or keys scanned.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "storage/server/version_window.h"

namespace orrery {
namespace {

using Kind = WindowMutation::Kind;
using Cursor = VersionWindow::Cursor;

constexpr uint64_t kKeys = 1'000'000;
constexpr Version kWindow = 10'000;  // Versions.
constexpr size_t kPerVersion = 100;  // Mutations.

// Ascending in `number`. With a shared prefix only the last 4 bytes differ.
std::string MakeKey(uint64_t number, bool prefix) {
  std::string key = prefix ? std::string(12, '.') : std::string();
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift));
  const uint64_t rest = MixWord(number);
  while (key.size() < 16) key.push_back(static_cast<char>(rest >> (4 * key.size() - 16)));
  return key;
}

class Filler {
 public:
  explicit Filler(bool prefix) : prefix_(prefix), value_(100, 'v') {}

  void ApplyOne(VersionWindow& window) {
    keys_.clear();
    mutations_.clear();
    for (size_t i = 0; i < kPerVersion; ++i) keys_.push_back(RandomKey());
    for (const std::string& key : keys_) mutations_.push_back({Kind::set, key, value_});
    window.Apply(window.newest() + 1, mutations_);
  }
  std::string RandomKey() { return MakeKey(random_.Below(kKeys), prefix_); }
  uint64_t Below(uint64_t bound) { return random_.Below(bound); }

 private:
  Random random_{1};
  bool prefix_;
  std::string value_;
  std::vector<std::string> keys_;
  std::vector<WindowMutation> mutations_;
};

std::unique_ptr<VersionWindow> FullWindow(Filler& filler) {
  auto window = std::make_unique<VersionWindow>(0);
  while (window->newest() < kWindow) filler.ApplyOne(*window);
  return window;
}

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
}  // namespace orrery

BENCHMARK_MAIN();
