// What the simulator costs: events of a timeline, round trips of RPC between two simulated
// processes, and the making of a world. The hash is on, as it always is. One thread: rates are by
// processor time.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/invariant.h"
#include "core/base/random.h"
#include "core/rpc/rpc_knobs.h"
#include "sim/world/world.h"
#include "tools/bench/echo_load.h"
#include "tools/bench/registration.h"

namespace orrery::bench {
namespace {

// A timer that arms itself again when it fires.
struct Ticker : TimerNode {
  sim::Loop* loop;
  Random* random;
};

void TimerEvents(benchmark::State& state) {
  sim::Timeline timeline(1);
  sim::Loop loop(timeline, 1, {});
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
  for (auto _ : state) timeline.Step();
}

Task<absl::Status> Idle(Env*) { co_return absl::OkStatus(); }

// One machine, in a zone of its own, for each process. Buggification is off.
std::unique_ptr<sim::World> MakeWorld(const KnobSet& knobs, std::vector<sim::ProcessMain> mains) {
  auto world = std::make_unique<sim::World>(
      sim::World::Options{.seed = 1, .knobs = &knobs, .buggify = false});
  for (size_t i = 0; i < mains.size(); ++i) {
    const std::string n = std::to_string(i);
    sim::Machine& machine = world->AddMachine({.name = "machine" + n, .zone = "zone" + n});
    world->AddProcess(machine, {.name = "process" + n, .main = mains[i], .supervised = false})
        .Start();
  }
  return world;
}

void RpcRoundTrips(benchmark::State& state) {
  KnobSet knobs;
  knobs.Add<RpcKnobs>();
  EchoLoad load{.in_flight = state.range(0)};
  std::unique_ptr<sim::World> world;
  const auto address = [&world] { return world->machines()[0]->address(4500); };
  world = MakeWorld(knobs, {[&](Env& env) { return ServeEcho(&env, address(), nullptr); },
                            [&](Env& env) { return CallEcho(&env, Endpoint(address()), &load); }});
  const auto run_until = [&](int64_t target) {
    while (load.done < target) {
      if (!world->Step() || world->failed()) return state.SkipWithError("the world has failed");
    }
  };
  run_until(1000);
  const int64_t first = load.done;
  while (state.KeepRunningBatch(1000)) run_until(first + state.iterations());
  world.reset();
}

void WorldStart(benchmark::State& state) {
  KnobSet knobs;
  knobs.Add<RpcKnobs>();
  const std::vector<sim::ProcessMain> mains(5, [](Env& env) { return Idle(&env); });
  for (auto _ : state) {
    const bool stepped = MakeWorld(knobs, mains)->Step();
    INVARIANT(stepped);
  }
}

}  // namespace

void RegisterSimulatorBenchmarks() {
  using benchmark::RegisterBenchmark;
  RegisterBenchmark("sim/timer_events", TimerEvents)->Arg(100)->Arg(10'000);
  RegisterBenchmark("sim/rpc", RpcRoundTrips)->Arg(1)->Arg(64);
  RegisterBenchmark("sim/world_start", WorldStart);
}

}  // namespace orrery::bench
