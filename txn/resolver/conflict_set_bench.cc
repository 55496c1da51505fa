// What the judging of a transaction costs: 1 read and 1 write range per transaction, 20 M keys, a
// window of 1 M transactions. Arguments: transactions per batch, batches by which reads lag, keys
// per read range (1 is a point), and the shape of the keys. Items per second are transactions.
//
// Batches are made before the clock runs. Every figure is over at least one whole window after the
// window has filled.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "txn/resolver/conflict_set.h"

namespace orrery {
namespace {

constexpr uint64_t kKeys = 20'000'000;
constexpr int64_t kWindowTransactions = 1'000'000;

enum Shape : int64_t {
  kSpread,  // 16 random bytes.
  kDots,    // 12 equal bytes, then the number: as FoundationDB's skip list test has it.
  kLong,    // 48 bytes, of which the first 24 are equal.
};

void AppendNumber(std::string& key, uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    key.push_back(static_cast<char>((number >> shift) & 0xff));
  }
}

std::string MakeKey(Shape shape, uint64_t number) {
  std::string key;
  if (shape == kSpread) {
    // Ascending in `number`, so that ranges have as many keys as they say.
    AppendNumber(key, (number << 39) + (MixWord(number) >> 26), 8);
    AppendNumber(key, MixWord(number + 1), 8);
  } else if (shape == kDots) {
    key.assign(12, '.');
    AppendNumber(key, number, 4);
  } else {
    key.assign(24, '/');
    AppendNumber(key, number, 8);
    key.append(16, 'x');
  }
  return key;
}

// One batch with the bytes its ranges refer to.
struct Batch {
  std::vector<std::string> keys;
  std::vector<KeyRangeRef> ranges;
  std::vector<ConflictTransaction> transactions;
};

Batch MakeBatch(Random& random, Shape shape, int64_t size, uint64_t read_keys) {
  Batch batch;
  const auto count = static_cast<size_t>(size);
  batch.keys.reserve(count * 4);
  batch.ranges.reserve(count * 2);
  for (size_t i = 0; i < count; ++i) {
    for (const uint64_t span : {read_keys, uint64_t{1}}) {
      const uint64_t number = random.Below(kKeys);
      const std::string& begin = batch.keys.emplace_back(MakeKey(shape, number));
      batch.keys.push_back(span == 1 ? KeyAfter(begin) : MakeKey(shape, number + span));
      batch.ranges.push_back({batch.keys[batch.keys.size() - 2], batch.keys.back()});
    }
  }
  for (size_t i = 0; i < count; ++i) {
    ConflictTransaction& transaction = batch.transactions.emplace_back();
    transaction.reads = {&batch.ranges[2 * i], 1};
    transaction.writes = {&batch.ranges[2 * i + 1], 1};
  }
  return batch;
}

void Resolve(benchmark::State& state) {
  const int64_t size = state.range(0);
  const int64_t window = kWindowTransactions / size;
  const int64_t lag = std::min(state.range(1), window);
  const auto shape = static_cast<Shape>(state.range(3));
  Random random(1);
  // Enough different batches that a read rarely meets its own twin of a round before.
  std::vector<Batch> batches;
  for (int64_t i = 0; i < 2 * window; ++i) {
    batches.push_back(MakeBatch(random, shape, size, static_cast<uint64_t>(state.range(2))));
  }
  ConflictSet set(0);
  Version version = 0;
  int64_t conflicts = 0;
  const auto resolve = [&] {
    Batch& batch = batches[static_cast<size_t>(++version) % batches.size()];
    set.SetOldest(version - window);
    for (ConflictTransaction& transaction : batch.transactions) {
      transaction.read_version = std::max<Version>(0, version - lag);
    }
    const auto& verdicts = set.Resolve(version, batch.transactions).verdicts;
    conflicts += std::count(verdicts.begin(), verdicts.end(), Verdict::conflict);
  };
  while (version < window + window / 4) resolve();
  conflicts = 0;
  int64_t runs = 0, bytes_max = 0, ticks = 0;
  for (auto _ : state) {
    resolve();
    runs += static_cast<int64_t>(set.runs());
    if (++ticks % 16 == 0) bytes_max = std::max(bytes_max, static_cast<int64_t>(set.bytes()));
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
}  // namespace orrery

BENCHMARK_MAIN();
