// EchoTest: one server that echoes, one client, and their network, on one ManualLoop.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/rpc/client.h"
#include "core/rpc/rpc_knobs.h"
#include "core/rpc/server.h"
#include "core/rpc/testing/echo.pb.h"
#include "core/rpc/testing/memory_network.h"

namespace orrery::testing_rpc {

using testing::EchoReply;
using testing::EchoRequest;

inline constexpr Method<EchoRequest, EchoReply> kEcho{1, "echo"};
inline constexpr Method<EchoRequest, EchoReply> kUnserved{2, "unserved"};

class Echo {
 public:
  explicit Echo(Clock& on) : clock(on) {}

  Task<absl::StatusOr<Message<EchoReply>>> Reply(Message<EchoRequest> request, CallInfo info) {
    last_info = info;
    ++begun;
    struct Running {
      int& count;
      explicit Running(int& n) : count(n) { ++count; }
      ~Running() { --count; }
    } guard(running);
    if (request.header.delay_ms() > 0) {
      co_await Sleep(clock, Milliseconds(static_cast<int64_t>(request.header.delay_ms())));
    }
    if (request.header.text() == "fail") co_return Error(ErrorCode::not_leader, "ask another");
    Message<EchoReply> reply;
    reply.header.set_text(request.header.text());
    reply.attachment = request.attachment;
    co_return reply;
  }

  Clock& clock;
  CallInfo last_info;
  int begun = 0;
  int running = 0;
};

class EchoTest : public ::testing::Test {
 protected:
  using Result = std::optional<absl::StatusOr<Message<EchoReply>>>;

  static constexpr uint32_t kServerIp = 0x0a000001;
  static constexpr uint32_t kClientIp = 0x0a000002;
  static constexpr uint64_t kIncarnation = 77;

  void StartServer(RpcIdentity identity = {"c1", "server", kIncarnation, 1, 1}) {
    server = std::make_unique<RpcServer>(server_env, std::move(identity));
    server->Handle<kEcho, &Echo::Reply>(&echo);
    const absl::Status listening = server->Listen(address);
    ASSERT_TRUE(listening.ok()) << Describe(listening);
  }
  void StartClient(RpcIdentity identity = {"c1", "client", 0, 1, 1}) {
    client = std::make_unique<RpcClient>(client_env, std::move(identity));
  }
  void Start() {
    StartServer();
    StartClient();
  }

  static Message<EchoRequest> Ask(std::string text, uint64_t delay_ms = 0, Buffer attachment = {}) {
    Message<EchoRequest> request;
    request.header.set_text(std::move(text));
    request.header.set_delay_ms(delay_ms);
    request.attachment = std::move(attachment);
    return request;
  }

  static Task<absl::Status> CallInto(RpcClient* client, Endpoint to, Message<EchoRequest> request,
                                     Duration timeout, Result* out) {
    out->emplace(co_await client->Call(std::move(to), kEcho, std::move(request), timeout));
    co_return absl::OkStatus();
  }

  // Spawns a call whose result goes to `out`.
  TaskGroup::Member* Call(Result& out, Message<EchoRequest> request,
                          Duration timeout = Seconds(10)) {
    return tasks.Spawn(
        "call", CallInto(client.get(), Endpoint(address), std::move(request), timeout, &out));
  }

  static ErrorCode CodeOfResult(const Result& result) {
    return result.has_value() ? CodeOf(result->status()) : ErrorCode::operation_cancelled;
  }

  ManualLoop loop;
  MemoryNetwork network{loop};
  MemoryEnv server_env{network, kServerIp, MemoryEnv::kMemoryBytes, TraceLevel::kDebug};
  MemoryEnv client_env{network, kClientIp, MemoryEnv::kMemoryBytes, TraceLevel::kDebug};
  const NetworkAddress address = NetworkAddress::V4(kServerIp, 4500);
  Echo echo{loop};
  std::unique_ptr<RpcServer> server;
  std::unique_ptr<RpcClient> client;
  TaskGroup tasks{loop, [](std::string_view, absl::Status status) { FAIL() << Describe(status); }};
};

}  // namespace orrery::testing_rpc
