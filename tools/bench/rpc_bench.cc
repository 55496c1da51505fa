// The RPC layer alone: framing, protobuf, tasks, over streams in memory. What a real or simulated
// network costs comes on top.
#include <benchmark/benchmark.h>

#include <utility>

#include "core/async/task_group.h"
#include "core/base/invariant.h"
#include "core/rpc/testing/memory_network.h"
#include "tools/bench/echo_load.h"
#include "tools/bench/registration.h"

namespace orrery::bench {
namespace {

void RoundTrips(benchmark::State& state) {
  ManualLoop loop;
  testing_rpc::MemoryNetwork network(loop);
  testing_rpc::MemoryEnv server(network, 1), client(network, 2);
  EchoLoad load{.in_flight = state.range(0)};
  const NetworkAddress address = NetworkAddress::V4(1, 4500);
  TaskGroup tasks(
      loop, [](std::string_view, absl::Status status) { INVARIANT(false, Describe(status)); });
  tasks.Spawn("serve", ServeEcho(&server, address, nullptr));
  tasks.Spawn("call", CallEcho(&client, Endpoint(address), &load));
  const auto run_until = [&](int64_t target) {
    while (load.done < target) loop.Step();
  };
  run_until(1000);
  const int64_t first = load.done;
  while (state.KeepRunningBatch(1000)) run_until(first + state.iterations());
}

}  // namespace

void RegisterRpcBenchmarks() {
  benchmark::RegisterBenchmark("rpc/in_memory", RoundTrips)->Arg(1)->Arg(64);
}

}  // namespace orrery::bench
