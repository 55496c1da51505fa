// What the judging of a transaction costs, under the load of conflict_load.h. Arguments:
// transactions per batch, batches by which reads lag, keys per read range (1 is a point), and the
// shape of the keys. Items per second are transactions.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "txn/resolver/conflict_load.h"

namespace orrery::conflict_load {
namespace {

void Resolve(benchmark::State& state) {
  const int64_t size = state.range(0);
  ConflictLoad load(static_cast<Shape>(state.range(3)), size, state.range(1),
                    static_cast<uint64_t>(state.range(2)));
  int64_t conflicts = 0, runs = 0, bytes_max = 0, ticks = 0;
  for (auto _ : state) {
    conflicts += load.ResolveBatch();
    runs += static_cast<int64_t>(load.set().runs());
    if (++ticks % 16 == 0)
      bytes_max = std::max(bytes_max, static_cast<int64_t>(load.set().bytes()));
  }
  const double judged = static_cast<double>(state.iterations() * size);
  state.SetItemsProcessed(state.iterations() * size);
  state.counters["conflict_share"] = static_cast<double>(conflicts) / judged;
  state.counters["runs"] =
      static_cast<double>(runs) / static_cast<double>(std::max<int64_t>(1, ticks));
  state.counters["MB"] = static_cast<double>(bytes_max) / 1e6;
}

void Shapes(benchmark::internal::Benchmark* bench) {
  constexpr int64_t kFullLag = 1 << 30;
  bench->ArgNames({"batch", "lag", "keys", "shape"});
  for (const int64_t batch : {1000, 100, 5000}) {
    for (const int64_t lag : {int64_t{50}, kFullLag}) {
      // About as many transactions, whatever the batch.
      bench->Args({batch, lag, 1, kSpread});
    }
  }
  for (const int64_t lag : {int64_t{50}, kFullLag}) {
    bench->Args({1000, lag, 100, kSpread});
    bench->Args({1000, lag, 1, kDots});
    bench->Args({1000, lag, 1, kLong});
  }
  bench->Unit(benchmark::kMicrosecond)->MinTime(2.0);
}
BENCHMARK(Resolve)->Apply(Shapes);

}  // namespace
}  // namespace orrery::conflict_load

BENCHMARK_MAIN();
