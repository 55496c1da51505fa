// A storage server without network, log and disk: reads, from a request's message to a reply's, and
// writes, from a log's message to a commit's batch. 16-byte keys, 100-byte values in a memory
// engine, in a new directory below the working directory, which is left there. Arguments: rows; of
// 100 rows, how many have been written again in the window.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <string>

#include "core/base/random.h"
#include "core/real/real_env.h"
#include "core/real/real_knobs.h"
#include "storage/diskqueue/disk_queue_knobs.h"
#include "storage/engine/memory_engine.h"
#include "storage/engine/memory_engine_knobs.h"
#include "storage/log/mutation_codec.h"
#include "storage/server/private_mutations.h"
#include "storage/server/storage_reads.h"

namespace orrery {
namespace {

std::string KeyOf(uint64_t n) {
  std::string digits = std::to_string(n);
  return "key/" + std::string(12 - digits.size(), '0') + digits;
}

struct Served {
  Env& env;
  std::unique_ptr<Engine> engine;
  StorageState state;
  StorageReads reads;
  const uint64_t rows;

  Served(Env& e, std::unique_ptr<Engine> below, uint64_t n)
      : env(e),
        engine(std::move(below)),
        state(engine->durable_version()),
        reads(env, state, *engine, [](absl::Status) {}),
        rows(n) {}
};

Task<absl::StatusOr<std::unique_ptr<Served>>> Fill(Env* env, uint64_t rows, uint64_t rewritten) {
  CO_RETURN_IF_ERROR(co_await CreateMemoryEngine(*env, "engine", {}));
  CO_ASSIGN_OR_RETURN(auto engine, co_await OpenMemoryEngine(*env, "engine", {}));
  Random random(1);
  std::vector<uint64_t> order(rows);
  for (uint64_t i = 0; i < rows; ++i) order[i] = i;
  random.Shuffle(order.begin(), order.end());
  const std::string value(100, 'v');
  uint64_t i = 0;
  for (Version version = 1; i < rows; ++version) {
    WriteBatch batch;
    for (uint64_t n = 0; n < 10000 && i < rows; ++n, ++i) batch.Set(KeyOf(order[i]), value);
    CO_RETURN_IF_ERROR(co_await engine->Commit(version, std::move(batch)));
  }
  auto served = std::make_unique<Served>(*env, std::move(engine), rows);
  StorageState& state = served->state;
  const Tag tag;
  i = 0;
  for (Version version = state.applied() + 1; i == 0 || i < rows * rewritten / 100; ++version) {
    MutationBatchWriter batch;
    if (i == 0) batch.Add({&tag, 1}, {MutationType::kSet, kAssignPrefix, "\xff\xff"});
    for (uint64_t n = 0; n < 1000 && i < rows * rewritten / 100; ++n, ++i) {
      const std::string key = KeyOf(order[i]);
      batch.Add({&tag, 1}, {MutationType::kSet, key, value});
    }
    CO_RETURN_IF_ERROR(state.Apply(version, std::move(batch).Finish(), {}));
    state.Advance(version);
    i = std::max<uint64_t>(i, 1);
  }
  co_return served;
}

Task<absl::Status> GetValue(Served* served, benchmark::State* state) {
  Random random(2);
  for (auto _ : *state) {
    Message<GetValueRequest> request;
    request.header.set_key(KeyOf(random.Below(served->rows)));
    request.header.set_version(served->state.applied());
    CO_ASSIGN_OR_RETURN(const auto reply, co_await served->reads.GetValue(std::move(request), {}));
    if (!reply.header.found()) co_return Error(ErrorCode::internal_error, "a row is missing");
  }
  state->SetItemsProcessed(state->iterations());
  co_return absl::OkStatus();
}

Task<absl::Status> GetValues(Served* served, benchmark::State* state) {
  constexpr int kKeys = 10;
  Random random(2);
  for (auto _ : *state) {
    Message<GetValuesRequest> request;
    for (int n = 0; n < kKeys; ++n) request.header.add_keys(KeyOf(random.Below(served->rows)));
    request.header.set_version(served->state.applied());
    CO_ASSIGN_OR_RETURN(const auto reply, co_await served->reads.GetValues(std::move(request), {}));
    benchmark::DoNotOptimize(reply.attachment.data());
  }
  state->SetItemsProcessed(state->iterations() * kKeys);
  co_return absl::OkStatus();
}

Task<absl::Status> GetRange(Served* served, benchmark::State* state) {
  Random random(3);
  int64_t rows = 0;
  for (auto _ : *state) {
    Message<GetRangeRequest> request;
    request.header.set_begin(KeyOf(random.Below(served->rows - 1000)));
    request.header.set_end("l");
    request.header.set_version(served->state.applied());
    request.header.set_rows_max(1000);
    CO_ASSIGN_OR_RETURN(const auto reply, co_await served->reads.GetRange(std::move(request), {}));
    rows += reply.header.rows();
  }
  state->SetItemsProcessed(rows);
  co_return absl::OkStatus();
}

// What a version of 100 sets costs on its way through the window to a commit's batch.
Task<absl::Status> ApplyVersions(Served* served, benchmark::State* state) {
  constexpr int kSets = 100;
  constexpr Version kWindow = 2000;
  Random random(4);
  const Tag tag;
  const std::string value(100, 'w');
  StorageState& state_of = served->state;
  for (auto _ : *state) {
    state->PauseTiming();
    MutationBatchWriter writer;
    for (int n = 0; n < kSets; ++n) {
      const std::string key = KeyOf(random.Below(served->rows));
      writer.Add({&tag, 1}, {MutationType::kSet, key, value});
    }
    const std::string batch = std::move(writer).Finish();
    const Version version = state_of.applied() + 1;
    state->ResumeTiming();
    std::vector<Key> keys;
    CO_RETURN_IF_ERROR(state_of.KeysToRead(batch, keys));
    CO_RETURN_IF_ERROR(state_of.Apply(version, batch, {}));
    state_of.Advance(version);
    if (version % 100 == 0 && version - kWindow > state_of.durable()) {
      benchmark::DoNotOptimize(state_of.BeginCommit(version - kWindow).bytes().data());
      state_of.EndCommit(version - kWindow);
    }
  }
  state->SetItemsProcessed(state->iterations() * kSets);
  co_return absl::OkStatus();
}

using Body = Task<absl::Status> (*)(Served*, benchmark::State*);

Task<absl::Status> FillAndRun(Env* env, benchmark::State* state, Body body) {
  CO_ASSIGN_OR_RETURN(const auto served, co_await Fill(env, static_cast<uint64_t>(state->range(0)),
                                                       static_cast<uint64_t>(state->range(1))));
  co_return co_await body(served.get(), state);
}

void Bench(benchmark::State& state, Body body) {
  std::string directory = "storage_bench.XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return state.SkipWithError("no directory");
  KnobSet knobs;
  knobs.Add<real::RealKnobs>();
  knobs.Add<DiskQueueKnobs>();
  knobs.Add<MemoryEngineKnobs>();
  knobs.Add<StorageKnobs>();
  auto env = real::RealEnv::Create({.data_directory = directory, .knobs = &knobs});
  if (!env.ok()) return state.SkipWithError("no Env");
  const absl::Status status =
      (*env)->Run([&](Env& e) -> Task<absl::Status> { return FillAndRun(&e, &state, body); });
  if (!status.ok()) state.SkipWithError(std::string(status.message()).c_str());
}

#define STORAGE_BENCH(name, body) \
  BENCHMARK_CAPTURE(Bench, name, body)->Args({1'000'000, 0})->Args({1'000'000, 20})

STORAGE_BENCH(get_value, &GetValue);
STORAGE_BENCH(get_values_10, &GetValues);
STORAGE_BENCH(get_range_of_1000, &GetRange);
BENCHMARK_CAPTURE(Bench, apply_sets, &ApplyVersions)->Args({1'000'000, 0})->Iterations(20'000);

}  // namespace
}  // namespace orrery

BENCHMARK_MAIN();
