// What coroutines cost: create + await + destroy, futures, spawning, timers among many, locks.
// Each figure is per operation, in a loop that runs inside one task of a ManualLoop.
#include "tools/bench/registration.h"

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "core/async/manual_loop.h"
#include "core/async/mutex.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/when_all.h"
#include "core/base/invariant.h"
#include "core/base/random.h"

namespace orrery::bench {
namespace {

void Sink(std::string_view, absl::Status status) { INVARIANT(status.ok()); }

// Runs `task`, which loops over a benchmark::State, to its end.
void RunTask(ManualLoop& loop, Task<absl::Status> task) {
  TaskGroup group(loop, Sink);
  group.Spawn("bench", std::move(task));
  loop.Run();
}

// Not inlined into its caller, so that the frame comes from the pool, as it does where callee and
// caller are in different files.
[[gnu::noinline]] Task<int> Immediate(int x) { co_return x; }

Task<int> Elidable(int x) { co_return x; }

Task<absl::Status> AwaitLoop(benchmark::State* state) {
  int sum = 0;
  for (auto _ : *state) sum += co_await Immediate(1);
  benchmark::DoNotOptimize(sum);
  co_return absl::OkStatus();
}

Task<absl::Status> ElidedLoop(benchmark::State* state) {
  int sum = 0;
  for (auto _ : *state) sum += co_await Elidable(1);
  benchmark::DoNotOptimize(sum);
  co_return absl::OkStatus();
}

Task<absl::Status> FutureLoop(benchmark::State* state) {
  for (auto _ : *state) {
    Promise<absl::Status> promise;
    Future<absl::Status> future = promise.future();
    promise.Set(absl::OkStatus());
    benchmark::DoNotOptimize(co_await std::move(future));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> YieldLoop(benchmark::State* state) {
  for (auto _ : *state) co_await Yield();
  co_return absl::OkStatus();
}

Task<absl::Status> MutexLoop(benchmark::State* state) {
  Mutex mutex;
  for (auto _ : *state) {
    Mutex::Guard guard = co_await mutex.Lock();
    benchmark::DoNotOptimize(guard);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> WhenAllLoop(benchmark::State* state) {
  for (auto _ : *state) benchmark::DoNotOptimize(co_await WhenAll(Immediate(1), Immediate(2)));
  co_return absl::OkStatus();
}

template <Task<absl::Status> (*kLoop)(benchmark::State*)>
void InTask(benchmark::State& state) {
  ManualLoop loop;
  RunTask(loop, kLoop(&state));
}

// A promise set by one task while another waits: the waiter goes through the ready queue.
void FutureHandOver(benchmark::State& state) {
  ManualLoop loop;
  std::vector<Promise<absl::Status>> next(1);
  TaskGroup group(loop, Sink);
  group.Spawn("waiter",
              [](std::vector<Promise<absl::Status>>* n, size_t count) -> Task<absl::Status> {
                for (size_t i = 0; i < count; ++i) {
                  n->front() = Promise<absl::Status>();
                  CO_RETURN_IF_ERROR(co_await n->front().future());
                }
                co_return absl::OkStatus();
              }(&next, state.max_iterations));
  loop.Run();
  for (auto _ : state) {
    next.front().Set(absl::OkStatus());
    loop.Step();
  }
}

Task<absl::Status> Nothing() { co_return absl::OkStatus(); }

void Spawn(benchmark::State& state) {
  ManualLoop loop;
  TaskGroup group(loop, Sink);
  for (auto _ : state) {
    group.Spawn("nothing", Nothing());
    loop.Step();  // Runs.
    loop.Step();  // Is reaped.
  }
}

// A timer that fires and is armed again, among `range(0)` live ones.
struct Ticker : TimerNode {
  ManualLoop* loop;
  Random* random;
};

void TimerFire(benchmark::State& state) {
  ManualLoop loop;
  Random random(1);
  std::vector<std::unique_ptr<Ticker>> tickers(static_cast<size_t>(state.range(0)));
  for (auto& ticker : tickers) {
    ticker = std::make_unique<Ticker>();
    ticker->loop = &loop;
    ticker->random = &random;
    ticker->run = [](ReadyNode* node) {
      Ticker& self = *static_cast<Ticker*>(node);
      const Duration wait(static_cast<int64_t>(self.random->Below(1'000'000)));
      self.loop->Arm(self, self.loop->Now() + wait);
    };
    ticker->run(ticker.get());
  }
  for (auto _ : state) loop.Step();
}

// A deadline that is armed and taken out again, among `range(0)` live ones.
void TimerRearm(benchmark::State& state) {
  ManualLoop loop;
  Random random(1);
  std::vector<std::unique_ptr<TimerNode>> timers(static_cast<size_t>(state.range(0)));
  for (auto& timer : timers) {
    timer = std::make_unique<TimerNode>();
    loop.Arm(*timer, loop.Now() + Duration(static_cast<int64_t>(random.Below(1'000'000))));
  }
  TimerNode deadline;
  for (auto _ : state) {
    loop.Arm(deadline, loop.Now() + Seconds(5));
    loop.Disarm(deadline);
  }
}

}  // namespace

void RegisterAsyncBenchmarks() {
  using benchmark::RegisterBenchmark;
  RegisterBenchmark("async/task_create_await_destroy", InTask<AwaitLoop>);
  RegisterBenchmark("async/task_frame_elided", InTask<ElidedLoop>);
  RegisterBenchmark("async/future_set_get", InTask<FutureLoop>);
  RegisterBenchmark("async/future_hand_over", FutureHandOver);
  RegisterBenchmark("async/yield", InTask<YieldLoop>);
  RegisterBenchmark("async/mutex_lock_unlock", InTask<MutexLoop>);
  RegisterBenchmark("async/when_all_of_two", InTask<WhenAllLoop>);
  RegisterBenchmark("async/spawn_run_reap", Spawn);
  RegisterBenchmark("async/timer_fire_and_arm", TimerFire)->Arg(100)->Arg(10'000);
  RegisterBenchmark("async/timer_arm_and_disarm", TimerRearm)->Arg(100)->Arg(10'000);
}

}  // namespace orrery::bench
