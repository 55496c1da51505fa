// Goal: calls, replies, errors, deadlines, cancellation and limits, as client.h and server.h
// promise. Method: a client and a server over streams in memory that can be held, cut and damaged.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/rpc/testing/echo_fixture.h"

namespace orrery::testing_rpc {
namespace {

using RpcTest = EchoTest;

TEST_F(RpcTest, Echoes) {
  Start();
  Result small, large;
  Call(small, Ask("hello", 0, Buffer::Copy("attached")));
  Call(large, Ask("big", 0, Buffer::Copy(std::string(1 << 20, 'x'))));
  loop.RunFor(Milliseconds(10));
  ASSERT_TRUE(small.has_value() && small->ok());
  EXPECT_EQ((*small)->header.text(), "hello");
  EXPECT_EQ((*small)->attachment.view(), "attached");
  ASSERT_TRUE(large.has_value() && large->ok());
  EXPECT_EQ((*large)->attachment.size(), size_t{1 << 20});
  EXPECT_EQ(server_env.memory().used_bytes(), 0u);
  EXPECT_EQ(server_env.Counted("rpc_server_calls", {{"method", "echo"}}), 2u);
  EXPECT_EQ(client_env.Counted("rpc_client_calls", {{"method", "echo"}}), 2u);
}

TEST_F(RpcTest, EchoesThroughPiecesOfEverySize) {
  for (const size_t bytes : {1u, 2u, 3u, 7u, 35u, 36u, 37u, 64u}) {
    network.split_bytes = bytes;
    Start();
    Result result;
    Call(result, Ask("hello", 0, Buffer::Copy(std::string(10000, 'y'))));
    loop.RunFor(Milliseconds(10));
    ASSERT_TRUE(result.has_value() && result->ok()) << bytes;
    EXPECT_EQ((*result)->attachment.size(), 10000u);
    client.reset();
    server.reset();
  }
}

TEST_F(RpcTest, FramesOfATurnLeaveInOneWrite) {
  Start();
  Result first;
  Call(first, Ask("connect"));
  loop.RunFor(Milliseconds(10));
  const uint64_t requests = network.streams[0]->directions[0].writes;
  const uint64_t replies = network.streams[0]->directions[1].writes;
  std::vector<Result> results(64);
  for (Result& each : results) Call(each, Ask("x"));
  loop.RunFor(Milliseconds(10));
  for (Result& each : results) EXPECT_TRUE(each.has_value() && each->ok());
  EXPECT_EQ(network.streams[0]->directions[0].writes, requests + 1);
  EXPECT_EQ(network.streams[0]->directions[1].writes, replies + 1);
}

TEST_F(RpcTest, ContextTravels) {
  Start();
  CallContext context;
  context.trace_id_high = 1;
  context.trace_id_low = 2;
  context.span_id = 3;
  context.priority = Priority::kHigh;
  context.tenant_id = 0;
  context.auth_token = "proof";
  context.throttling_tag = "tag";
  context.generation = 9;
  context.feature_level = 4;
  tasks.Spawn("call", [](RpcClient* rpc, Endpoint to, CallContext c) -> Task<absl::Status> {
    const auto reply = co_await rpc->Call(to, kEcho, Ask("x"), Seconds(3), std::move(c));
    co_return reply.status();
  }(client.get(), Endpoint(address), context));
  loop.RunFor(Milliseconds(10));
  const CallInfo& info = echo.last_info;
  EXPECT_EQ(info.context.trace_id_high, 1u);
  EXPECT_EQ(info.context.trace_id_low, 2u);
  EXPECT_EQ(info.context.span_id, 3u);
  EXPECT_EQ(info.context.priority, Priority::kHigh);
  EXPECT_EQ(info.context.tenant_id, 0);
  EXPECT_EQ(info.context.auth_token, "proof");
  EXPECT_EQ(info.context.throttling_tag, "tag");
  EXPECT_EQ(info.context.generation, 9u);
  EXPECT_EQ(info.context.feature_level, 4u);
  EXPECT_EQ(info.deadline, TimeFromNanoseconds(0) + Seconds(3));
}

TEST_F(RpcTest, ErrorsOfTheHandlerTravel) {
  Start();
  Result result;
  Call(result, Ask("fail"));
  loop.RunFor(Milliseconds(10));
  ASSERT_EQ(CodeOfResult(result), ErrorCode::not_leader);
  EXPECT_EQ(result->status().message(), "ask another");
  EXPECT_EQ(server_env.Counted("rpc_server_errors", {{"method", "echo"}}), 1u);
}

TEST_F(RpcTest, UnknownMethodAndUnknownToken) {
  Start();
  ErrorCode method{}, token{};
  tasks.Spawn("call",
              [](RpcClient* rpc, Endpoint to, ErrorCode* a, ErrorCode* b) -> Task<absl::Status> {
                *a = CodeOf((co_await rpc->Call(to, kUnserved, Ask("x"), Seconds(1))).status());
                to.token = 5;
                *b = CodeOf((co_await rpc->Call(to, kEcho, Ask("x"), Seconds(1))).status());
                co_return absl::OkStatus();
              }(client.get(), Endpoint(address), &method, &token));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(method, ErrorCode::unknown_method);
  EXPECT_EQ(token, ErrorCode::unknown_method);
}

TEST_F(RpcTest, TokensNameObjects) {
  Start();
  Echo other(loop);
  server->Handle(
      kEcho,
      [](Message<EchoRequest>, CallInfo) -> Task<absl::StatusOr<Message<EchoReply>>> {
        Message<EchoReply> reply;
        reply.header.set_text("from a lambda");
        co_return reply;
      },
      5);
  server->Handle<kEcho, &Echo::Reply>(&other, 6);
  Result five, six;
  tasks.Spawn("call", CallInto(client.get(), server->endpoint(5), Ask("x"), Seconds(1), &five));
  tasks.Spawn("call", CallInto(client.get(), server->endpoint(6), Ask("x", 500), Seconds(1), &six));
  loop.RunFor(Milliseconds(10));
  ASSERT_TRUE(five.has_value() && five->ok());
  EXPECT_EQ((*five)->header.text(), "from a lambda");
  EXPECT_EQ(other.running, 1);
  server->StopHandling(6);
  EXPECT_EQ(other.running, 0);
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(six), ErrorCode::broken_promise);
}

TEST_F(RpcTest, StaleIncarnationIsRefusedUnsent) {
  Start();
  Result unconnected, connected, current;
  tasks.Spawn("call",
              CallInto(client.get(), Endpoint(address, 76), Ask("x"), Seconds(1), &unconnected));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(unconnected), ErrorCode::stale_endpoint);
  tasks.Spawn("call",
              CallInto(client.get(), Endpoint(address, 76), Ask("x"), Seconds(1), &connected));
  tasks.Spawn("call", CallInto(client.get(), server->endpoint(), Ask("x"), Seconds(1), &current));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(connected), ErrorCode::stale_endpoint);
  EXPECT_EQ(CodeOfResult(current), ErrorCode::ok);
  EXPECT_EQ(echo.begun, 1);
}

TEST_F(RpcTest, DeadlineCancelsTheHandler) {
  Start();
  Result result;
  Call(result, Ask("slow", 5000), Seconds(1));
  loop.RunFor(Milliseconds(999));
  EXPECT_EQ(echo.running, 1);
  EXPECT_FALSE(result.has_value());
  loop.RunFor(Milliseconds(2));
  EXPECT_EQ(CodeOfResult(result), ErrorCode::timed_out);
  EXPECT_EQ(echo.running, 0);
  EXPECT_EQ(server_env.memory().used_bytes(), 0u);
}

TEST_F(RpcTest, DeadlineCoversConnecting) {
  network.blackhole = true;
  Start();
  Result result;
  Call(result, Ask("x"), Seconds(2));
  loop.RunFor(Milliseconds(2001));
  EXPECT_EQ(CodeOfResult(result), ErrorCode::timed_out);
}

TEST_F(RpcTest, TimeoutOfZeroSendsNothing) {
  Start();
  Result result;
  Call(result, Ask("x"), Duration(0));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(result), ErrorCode::timed_out);
  EXPECT_TRUE(network.streams.empty());
}

TEST_F(RpcTest, DestroyingTheCallDestroysTheHandler) {
  Start();
  Result result, other;
  TaskGroup::Member* const call = Call(result, Ask("slow", 5000));
  loop.RunFor(Milliseconds(10));
  ASSERT_EQ(echo.running, 1);
  tasks.CancelMember(*call);
  Call(other, Ask("next"));  // Uses the slot of the one that was cancelled.
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(echo.running, 0);
  EXPECT_FALSE(result.has_value());
  EXPECT_EQ(CodeOfResult(other), ErrorCode::ok);
}

TEST_F(RpcTest, TooLargeIsRefusedAtBothEnds) {
  client_env.Set("rpc_frame_bytes_max", "100000");
  Start();
  Result result, in_order;
  Call(in_order, Ask("connect"));
  loop.RunFor(Milliseconds(10));
  Call(result, Ask("x", 0, Buffer::Copy(std::string(100000, 'z'))));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(result), ErrorCode::message_too_large);
  EXPECT_EQ(network.streams.size(), 2u);  // Data and heartbeat: nothing was closed.

  server->Handle(kUnserved,
                 [](Message<EchoRequest>, CallInfo) -> Task<absl::StatusOr<Message<EchoReply>>> {
                   Message<EchoReply> reply;
                   reply.attachment = Buffer::Copy(std::string(33 << 20, 'z'));
                   co_return reply;
                 });
  ErrorCode code{};
  tasks.Spawn("call", [](RpcClient* rpc, Endpoint to, ErrorCode* out) -> Task<absl::Status> {
    *out = CodeOf((co_await rpc->Call(to, kUnserved, Ask("x"), Seconds(1))).status());
    co_return absl::OkStatus();
  }(client.get(), Endpoint(address), &code));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(code, ErrorCode::message_too_large);
}

TEST_F(RpcTest, RequestsAreLimited) {
  server_env.Set("rpc_requests_per_connection_max", "8");
  Start();
  std::vector<Result> results(12);
  for (Result& each : results) Call(each, Ask("x", 100));
  loop.RunFor(Milliseconds(50));
  EXPECT_EQ(echo.running, 8);
  loop.RunFor(Milliseconds(100));
  size_t served = 0, refused = 0;
  for (const Result& each : results) {
    served += CodeOfResult(each) == ErrorCode::ok;
    refused += CodeOfResult(each) == ErrorCode::overloaded;
  }
  EXPECT_EQ(served, 8u);
  EXPECT_EQ(refused, 4u);
}

TEST_F(RpcTest, MemoryOfTheServerIsLimited) {
  MemoryEnv small_env{network, kServerIp, 100000};
  server = std::make_unique<RpcServer>(small_env, RpcIdentity{"c1", "server", kIncarnation});
  server->Handle<kEcho, &Echo::Reply>(&echo);
  ASSERT_TRUE(server->Listen(address).ok());
  StartClient();
  std::vector<Result> results(4);
  for (Result& each : results) Call(each, Ask("x", 100, Buffer::Copy(std::string(40000, 'm'))));
  loop.RunFor(Milliseconds(50));
  EXPECT_EQ(echo.running, 2);
  EXPECT_EQ(CodeOfResult(results[3]), ErrorCode::overloaded);
  loop.RunFor(Milliseconds(100));
  EXPECT_EQ(CodeOfResult(results[0]), ErrorCode::ok);
  EXPECT_EQ(small_env.memory().used_bytes(), 0u);
  client.reset();
  server.reset();
}

TEST_F(RpcTest, PartsOfAFrameCountInTheMemoryBudget) {
  Start();
  Result first, large;
  Call(first, Ask("connect"));
  loop.RunFor(Milliseconds(10));
  std::string rest;
  network.on_piece = [&rest](Stream&, int direction, std::string& bytes) {
    if (direction == 0 && bytes.size() > 50000) {
      rest = bytes.substr(50000);
      bytes.resize(50000);
    }
  };
  TaskGroup::Member* const call = Call(large, Ask("x", 0, Buffer::Copy(std::string(90000, 'p'))));
  loop.RunFor(Milliseconds(10));
  EXPECT_GE(server_env.memory().used_bytes(), 50000u);
  EXPECT_LE(server_env.memory().used_bytes(), 100000u);
  tasks.CancelMember(*call);
  client.reset();
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(server_env.memory().used_bytes(), 0u);
}

TEST_F(RpcTest, QueueOfTheClientIsLimited) {
  client_env.Set("rpc_queue_bytes_max", "100000");
  Start();
  Result first;
  Call(first, Ask("connect"));
  loop.RunFor(Milliseconds(10));
  network.streams[0]->directions[0].held = true;
  std::vector<Result> results(4);
  for (Result& each : results) {
    Call(each, Ask("x", 0, Buffer::Copy(std::string(60000, 'q'))));
    loop.RunFor(Milliseconds(1));
  }
  EXPECT_FALSE(results[0].has_value());
  EXPECT_FALSE(results[1].has_value());
  EXPECT_EQ(CodeOfResult(results[2]), ErrorCode::overloaded);
  network.Release(*network.streams[0], 0);
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(results[0]), ErrorCode::ok);
  EXPECT_EQ(CodeOfResult(results[1]), ErrorCode::ok);
}

TEST_F(RpcTest, SlowReaderOfRepliesHoldsTheServerBack) {
  server_env.Set("rpc_reply_queue_bytes_max", "200000");
  Start();
  Result first;
  Call(first, Ask("connect"));
  loop.RunFor(Milliseconds(10));
  network.streams[0]->directions[1].held = true;
  std::vector<Result> results(20);
  for (Result& each : results) {
    Call(each, Ask("x", 0, Buffer::Copy(std::string(60000, 'r'))));
    loop.RunFor(Milliseconds(1));
  }
  EXPECT_LT(echo.begun, 8);
  network.Release(*network.streams[0], 1);
  loop.RunFor(Milliseconds(10));
  for (const Result& each : results) EXPECT_EQ(CodeOfResult(each), ErrorCode::ok);
}

}  // namespace
}  // namespace orrery::testing_rpc
