// Durable commits of one 200-byte entry, by 1 and by 100 committers side by side, on files of the
// machine: a new directory below the working directory, which is left there. CPU: of all threads of
// the process.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <string>

#include "core/real/real_env.h"
#include "core/real/real_knobs.h"
#include "storage/diskqueue/disk_queue.h"

namespace orrery {
namespace {

Task<absl::Status> CommitMany(DiskQueue* queue, benchmark::State* state, bool* done) {
  const std::string entry(200, 'e');
  while (!*done) {
    if (!state->KeepRunning()) {
      *done = true;
      break;
    }
    if (queue->RoomBytes() < 1 << 20) {
      CO_RETURN_IF_ERROR(queue->Pop(queue->durable_end()));
      CO_RETURN_IF_ERROR(co_await queue->MakeRoom(1 << 20));
    }
    CO_RETURN_IF_ERROR(queue->Push(entry).status());
    CO_RETURN_IF_ERROR(co_await queue->Commit());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Bench(Env* env, benchmark::State* state) {
  CO_RETURN_IF_ERROR(co_await DiskQueue::Create(*env, "queue", {}));
  CO_ASSIGN_OR_RETURN(auto queue, co_await DiskQueue::Open(*env, "queue", {}));
  TaskGroup group(env->executor(), [state](auto, absl::Status status) {
    state->SkipWithError(std::string(status.message()).c_str());
  });
  bool done = false;
  for (int64_t i = 0; i < state->range(0); ++i)
    group.Spawn("c", CommitMany(queue.get(), state, &done));
  co_await group.Join();
  co_return absl::OkStatus();
}

void BM_DurableCommits(benchmark::State& state) {
  std::string directory = "queue_bench.XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return state.SkipWithError("no directory");
  KnobSet knobs;
  knobs.Add<real::RealKnobs>();
  knobs.Add<DiskQueueKnobs>();
  auto env = real::RealEnv::Create({.data_directory = directory, .knobs = &knobs});
  if (!env.ok()) return state.SkipWithError("no Env");
  const absl::Status status =
      (*env)->Run([&state](Env& e) -> Task<absl::Status> { return Bench(&e, &state); });
  if (!status.ok()) state.SkipWithError(std::string(status.message()).c_str());
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_DurableCommits)->Arg(1)->Arg(100)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace orrery

BENCHMARK_MAIN();
