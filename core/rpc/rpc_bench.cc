// Round trips per second of the RPC layer alone: framing, protobuf, tasks, over streams in memory,
// with a number of calls in flight. What a real or simulated network costs comes on top.
#include <benchmark/benchmark.h>

#include <utility>

#include "core/async/task_group.h"
#include "core/base/invariant.h"
#include "core/rpc/client.h"
#include "core/rpc/server.h"
#include "core/rpc/testing/echo.pb.h"
#include "core/rpc/testing/memory_network.h"

namespace orrery::testing_rpc {
namespace {

using testing::EchoReply;
using testing::EchoRequest;

constexpr Method<EchoRequest, EchoReply> kEcho{1, "echo"};

Task<absl::Status> CallForEver(RpcClient* client, Endpoint to, Buffer attachment, int64_t* done) {
  while (true) {
    Message<EchoRequest> request;
    request.header.set_text("0123456789abcdef");
    request.attachment = attachment;
    const auto reply = co_await client->Call(to, kEcho, std::move(request), Seconds(5));
    CO_RETURN_IF_ERROR(reply.status());
    ++*done;
  }
}

void RoundTrips(benchmark::State& state) {
  ManualLoop loop;
  MemoryNetwork network(loop);
  MemoryEnv server_env(network, 1), client_env(network, 2);
  RpcServer server(server_env, {"", "server", 1});
  server.Handle(
      kEcho,
      [](Message<EchoRequest> request, CallInfo) -> Task<absl::StatusOr<Message<EchoReply>>> {
        Message<EchoReply> reply;
        reply.header.set_text(request.header.text());
        reply.attachment = std::move(request.attachment);
        co_return reply;
      });
  const absl::Status listening = server.Listen(NetworkAddress::V4(1, 4500));
  INVARIANT(listening.ok());
  RpcClient client(client_env, {});
  const Buffer attachment = Buffer::Copy(std::string(static_cast<size_t>(state.range(1)), 'a'));
  int64_t done = 0;
  TaskGroup calls(
      loop, [](std::string_view, absl::Status status) { INVARIANT(false, Describe(status)); });
  for (int64_t i = 0; i < state.range(0); ++i) {
    calls.Spawn("call", CallForEver(&client, Endpoint(server.address()), attachment, &done));
  }
  for (auto _ : state) {
    const int64_t target = done + 1000;
    while (done < target) loop.Step();
  }
  state.SetItemsProcessed(done);
}
BENCHMARK(RoundTrips)->ArgNames({"in_flight", "attachment"})->ArgsProduct({{1, 64}, {0, 100}});

}  // namespace
}  // namespace orrery::testing_rpc

BENCHMARK_MAIN();
