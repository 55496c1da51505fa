// Echoes: handler and callers.
#include "tools/bench/echo_load.h"

#include <utility>

#include "core/async/task_group.h"
#include "core/rpc/client.h"
#include "core/rpc/server.h"
#include "tools/bench/bench.pb.h"

namespace orrery::bench {
namespace {

constexpr Method<Echo, Echo> kEcho{1, "echo"};

Task<absl::StatusOr<Message<Echo>>> Reply(Message<Echo> request, CallInfo) {
  Message<Echo> reply;
  reply.header.set_text(request.header.text());
  co_return reply;
}

Task<absl::Status> CallForEver(RpcClient* client, Endpoint to, EchoLoad* load) {
  while (true) {
    Message<Echo> request;
    request.header.set_text("0123456789abcdef");
    const auto reply = co_await client->Call(to, kEcho, std::move(request), Seconds(60));
    CO_RETURN_IF_ERROR(reply.status());
    if (++load->done == load->target) load->reached.NotifyAll();
  }
}

}  // namespace

Task<absl::Status> ServeEcho(Env* env, NetworkAddress address,
                             std::function<void(NetworkAddress)> listening) {
  RpcServer server(*env, {"", "server", DrawIncarnation(*env)});
  server.Handle(kEcho, Reply);
  CO_RETURN_IF_ERROR(server.Listen(address));
  if (listening != nullptr) listening(server.address());
  Notify never;
  while (true) co_await never.Wait();
}

Task<absl::Status> CallEcho(Env* env, Endpoint to, EchoLoad* load) {
  RpcClient client(*env, {});
  absl::Status first_error;
  Notify failed;
  TaskGroup calls(env->executor(), [&](std::string_view, absl::Status status) {
    first_error.Update(status);
    failed.NotifyAll();
  });
  for (int64_t i = 0; i < load->in_flight; ++i) {
    calls.Spawn("call", CallForEver(&client, to, load));
  }
  while (first_error.ok()) co_await failed.Wait();
  co_return first_error;
}

}  // namespace orrery::bench
