// One log server and its clients in one process on this machine's disk: durable pushes of 100
// mutations of 200 bytes, by as many pushers side by side as the argument says, and a cursor that
// reads versions back, from memory or (argument 1) from the queue. A new directory below the
// working directory is left there. CPU: of all threads of the process.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <string>

#include "core/async/task_group.h"
#include "core/real/real_env.h"
#include "core/real/real_knobs.h"
#include "core/rpc/endpoint_message.h"
#include "core/rpc/rpc_knobs.h"
#include "storage/diskqueue/disk_queue_knobs.h"
#include "storage/log/log_cursor.h"
#include "storage/log/log_knobs.h"
#include "storage/log/log_methods.h"
#include "storage/log/log_server.h"
#include "storage/log/mutation_codec.h"

namespace orrery {
namespace {

constexpr uint64_t kLogId = 7;
constexpr Duration kTimeout = Seconds(10);
constexpr Version kVersionsRead = 2000;

struct Bench {
  Env& env;
  RpcClient& rpc;
  Endpoint log;
  benchmark::State& state;
  Buffer batch = {};
  Version last = 0;
  Version known_committed = 0;
  bool done = false;
};

Buffer MakeBatch() {
  MutationBatchWriter writer;
  const std::vector<Tag> tags = {{TagKind::kStorage, 0}, {TagKind::kStorage, 1}};
  for (int i = 0; i < 100; ++i) {
    writer.Add(tags,
               {MutationType::kSet, "key-of-16-bytes-" + std::to_string(i), std::string(180, 'v')});
  }
  return Buffer::Copy(std::move(writer).Finish());
}

Task<absl::Status> PushOne(Bench* bench) {
  Message<PushRequest> request;
  request.header.set_previous_version(bench->last);
  const Version version = ++bench->last;
  request.header.set_version(version);
  request.header.set_known_committed(bench->known_committed);
  request.attachment = bench->batch;
  const auto reply = co_await bench->rpc.Call(bench->log, kPush, std::move(request), kTimeout);
  if (reply.ok()) bench->known_committed = std::max(bench->known_committed, version);
  co_return reply.status();
}

Task<absl::Status> PushMany(Bench* bench) {
  while (!bench->done) {
    if (!bench->state.KeepRunning()) {
      bench->done = true;
      break;
    }
    CO_RETURN_IF_ERROR(co_await PushOne(bench));
    if (bench->last % 64 != 0) continue;
    for (const uint32_t id : {0u, 1u}) {
      Message<PopRequest> pop;
      pop.header.mutable_tag()->set_id(id);
      pop.header.set_version(bench->known_committed);
      CO_RETURN_IF_ERROR(
          (co_await bench->rpc.Call(bench->log, kPop, std::move(pop), kTimeout)).status());
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Pushes(Bench* bench) {
  TaskGroup group(bench->env.executor(), [bench](auto, absl::Status status) {
    bench->state.SkipWithError(Describe(status).c_str());
    bench->done = true;
  });
  for (int64_t i = 0; i < bench->state.range(0); ++i) group.Spawn("push", PushMany(bench));
  co_await group.Join();
  co_return absl::OkStatus();
}

Task<absl::Status> Peeks(Bench* bench) {
  for (Version v = 0; v < kVersionsRead; ++v) CO_RETURN_IF_ERROR(co_await PushOne(bench));
  LogSystemView view;
  LogSystem system;
  system.set_generation(1);
  LogSet& set = *system.add_sets();
  set.set_end(-1);
  set.set_replication(1);
  LogMember& log = *set.add_logs();
  log.set_log_id(kLogId);
  log.set_zone("z");
  *log.mutable_endpoint() = ToMessage(bench->log);
  view.Update(system);
  while (bench->state.KeepRunningBatch(kVersionsRead - 1)) {
    LogCursor cursor(bench->env, bench->rpc, view, {TagKind::kStorage, 0}, 0);
    while (cursor.position() < kVersionsRead - 1) {
      CO_RETURN_IF_ERROR((co_await cursor.Next(1 << 20)).status());
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> WithLog(Env* env, benchmark::State* state, Task<absl::Status> (*run)(Bench*)) {
  const RpcIdentity identity{"bench", "bench", DrawIncarnation(*env)};
  RpcServer server(*env, identity);
  CO_RETURN_IF_ERROR(server.Listen(NetworkAddress::V4(0x7f000001, 0)));
  RpcClient rpc(*env, identity);
  TaskGroup roles(env->executor(), [state](auto, absl::Status status) {
    state->SkipWithError(Describe(status).c_str());
  });
  Promise<absl::Status> ready;
  Future<absl::Status> is_ready = ready.future();
  roles.Spawn("log", RunNewLog({*env, server, rpc, kLogId, std::move(ready)},
                               {.directory = "log", .log_id = kLogId, .recovery_version = 0}));
  CO_RETURN_IF_ERROR(co_await std::move(is_ready));
  Bench bench{*env, rpc, server.endpoint(kLogId), *state};
  bench.batch = MakeBatch();
  co_return co_await run(&bench);
}

void RunBench(benchmark::State& state, const char* memory, Task<absl::Status> (*run)(Bench*)) {
  std::string directory = "log_bench.XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return state.SkipWithError("no directory");
  KnobSet knobs;
  knobs.Add<real::RealKnobs>();
  knobs.Add<RpcKnobs>();
  knobs.Add<DiskQueueKnobs>();
  knobs.Add<LogKnobs>();
  if (!knobs.Set("log_memory_bytes_max", memory).ok()) return state.SkipWithError("knob");
  auto env = real::RealEnv::Create({.data_directory = directory, .knobs = &knobs});
  if (!env.ok()) return state.SkipWithError("no Env");
  const absl::Status status =
      (*env)->Run([&state, run](Env& e) -> Task<absl::Status> { return WithLog(&e, &state, run); });
  if (!status.ok()) state.SkipWithError(Describe(status).c_str());
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(MakeBatch().size()));
}

void BM_DurablePushes(benchmark::State& state) { RunBench(state, "134217728", &Pushes); }
void BM_VersionsRead(benchmark::State& state) {
  RunBench(state, state.range(0) == 0 ? "134217728" : "1", &Peeks);
}

BENCHMARK(BM_DurablePushes)->Arg(1)->Arg(16)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(BM_VersionsRead)->Arg(0)->Arg(1)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace orrery

BENCHMARK_MAIN();
