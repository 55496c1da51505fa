// The memory engine with 16-byte keys and 100-byte values in a new directory
// below the working directory, which is left there: point reads,
// range reads of 1,000 rows, and durable commits of one row. Argument: rows in the engine.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <string>

#include "core/base/random.h"
#include "core/real/real_env.h"
#include "core/real/real_knobs.h"
#include "storage/diskqueue/disk_queue_knobs.h"
#include "storage/engine/memory_engine.h"
#include "storage/engine/memory_engine_knobs.h"

namespace orrery {
namespace {

std::string KeyOf(uint64_t n) {
  std::string digits = std::to_string(n);
  return "key/" + std::string(12 - digits.size(), '0') + digits;
}

Task<absl::StatusOr<std::unique_ptr<Engine>>> Fill(Env* env, uint64_t rows) {
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
  co_return engine;
}

Task<absl::Status> Get(Engine* engine, benchmark::State* state, uint64_t rows) {
  Random random(2);
  for (auto _ : *state) {
    CO_ASSIGN_OR_RETURN(const auto value,
                        co_await engine->Get(KeyOf(random.Below(rows)), engine->durable_version()));
    if (!value.has_value()) co_return Error(ErrorCode::internal_error, "a row is missing");
  }
  state->SetItemsProcessed(state->iterations());
  co_return absl::OkStatus();
}

Task<absl::Status> Scan(Engine* engine, benchmark::State* state, uint64_t rows) {
  Random random(3);
  int64_t read = 0;
  for (auto _ : *state) {
    CO_ASSIGN_OR_RETURN(
        const ScanResult result,
        co_await engine->Scan({KeyOf(random.Below(rows - 1000)), "l"}, engine->durable_version(),
                              {.rows = 1000}, /*reverse=*/false));
    read += static_cast<int64_t>(result.rows.size());
  }
  state->SetItemsProcessed(read);
  co_return absl::OkStatus();
}

Task<absl::Status> Commit(Engine* engine, benchmark::State* state, uint64_t rows) {
  Random random(4);
  const std::string value(100, 'w');
  for (auto _ : *state) {
    WriteBatch batch;
    batch.Set(KeyOf(random.Below(rows)), value);
    CO_RETURN_IF_ERROR(co_await engine->Commit(engine->durable_version() + 1, std::move(batch)));
  }
  state->SetItemsProcessed(state->iterations());
  co_return absl::OkStatus();
}

using Body = Task<absl::Status> (*)(Engine*, benchmark::State*, uint64_t);

Task<absl::Status> FillAndRun(Env* env, benchmark::State* state, Body body) {
  const auto rows = static_cast<uint64_t>(state->range(0));
  CO_ASSIGN_OR_RETURN(const auto engine, co_await Fill(env, rows));
  co_return co_await body(engine.get(), state, rows);
}

void Bench(benchmark::State& state, Body body) {
  std::string directory = "engine_bench.XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return state.SkipWithError("no directory");
  KnobSet knobs;
  knobs.Add<real::RealKnobs>();
  knobs.Add<DiskQueueKnobs>();
  knobs.Add<MemoryEngineKnobs>();
  auto env = real::RealEnv::Create({.data_directory = directory, .knobs = &knobs});
  if (!env.ok()) return state.SkipWithError("no Env");
  const absl::Status status =
      (*env)->Run([&](Env& e) -> Task<absl::Status> { return FillAndRun(&e, &state, body); });
  if (!status.ok()) state.SkipWithError(std::string(status.message()).c_str());
}

BENCHMARK_CAPTURE(Bench, point_reads, &Get)->Arg(1'000'000);
BENCHMARK_CAPTURE(Bench, range_reads_of_1000, &Scan)->Arg(1'000'000);
BENCHMARK_CAPTURE(Bench, durable_commits, &Commit)->Arg(1'000'000)->UseRealTime();

}  // namespace
}  // namespace orrery

BENCHMARK_MAIN();
