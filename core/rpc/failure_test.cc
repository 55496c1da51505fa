// Goal: broken, silent, foreign and refused peers are seen, their calls fail at once, and the
// connection heals; destroying either end at any step leaves nothing behind.
// Method: streams in memory that are held, cut, damaged; a run for each step at which to destroy.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/rpc/frame.h"
#include "core/rpc/handshake.h"
#include "core/rpc/testing/echo_fixture.h"

namespace orrery::testing_rpc {
namespace {

using RpcFailureTest = EchoTest;

TEST_F(RpcFailureTest, ABrokenConnectionFailsItsCallsAtOnceAndHeals) {
  Start();
  Result broken, after;
  Call(broken, Ask("x", 1000));
  loop.RunFor(Milliseconds(10));
  ASSERT_EQ(echo.running, 1);
  network.streams[0]->Break();
  loop.RunFor(Milliseconds(1));
  EXPECT_EQ(CodeOfResult(broken), ErrorCode::connection_failed);
  EXPECT_EQ(client->StateOf(address), PeerState::kClosed);
  EXPECT_EQ(echo.running, 0);
  Call(after, Ask("x"));
  loop.RunFor(Seconds(2));
  EXPECT_EQ(CodeOfResult(after), ErrorCode::ok);
  EXPECT_EQ(client->StateOf(address), PeerState::kConnected);
  EXPECT_EQ(echo.begun, 2);  // Nothing was sent twice.
}

TEST_F(RpcFailureTest, UnreachableFailsCallsAndBacksOff) {
  StartClient();
  int attempts = 0;
  while (loop.Now() < TimeFromNanoseconds(0) + Seconds(20)) {
    Result result;
    Call(result, Ask("x"));
    while (!result.has_value()) ASSERT_TRUE(loop.Step());
    EXPECT_EQ(CodeOf(result->status()), ErrorCode::connection_failed);
    EXPECT_EQ(client->StateOf(address), PeerState::kUnreachable);
    ++attempts;
  }
  EXPECT_GE(attempts, 18);  // The wait is at most 1 s,
  EXPECT_LE(attempts, 60);  // and grows to at least half of it.
}

TEST_F(RpcFailureTest, ANameIsResolvedAgainForEachConnection) {
  Start();
  network.names["db"] = {NetworkAddress::V4(0x0a0000ff, 0)};  // Nobody is there.
  Result stale, healed;
  tasks.Spawn("call", CallInto(client.get(), Endpoint("db", 4500), Ask("x"), Seconds(5), &stale));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(stale), ErrorCode::connection_failed);
  network.names["db"] = {NetworkAddress::V4(0x0a0000ff, 0), address};
  tasks.Spawn("call", CallInto(client.get(), Endpoint("db", 4500), Ask("x"), Seconds(5), &healed));
  loop.RunFor(Seconds(2));
  EXPECT_EQ(CodeOfResult(healed), ErrorCode::ok);
  EXPECT_EQ(network.resolves, 3);  // Two attempts, and the heartbeat's.
  Result unknown;
  tasks.Spawn("call", CallInto(client.get(), Endpoint("nil", 1), Ask("x"), Seconds(5), &unknown));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(unknown), ErrorCode::name_not_found);
}

TEST_F(RpcFailureTest, ANewLifeIsReachedAlthoughNobodyTellsOfTheOldOnesEnd) {
  Start();
  network.names["db"] = {address};
  const auto call = [this](uint64_t incarnation, Result* out) {
    Endpoint to("db", 4500);
    to.incarnation = incarnation;
    tasks.Spawn("call", CallInto(client.get(), to, Ask("x"), Seconds(5), out));
  };
  Result old_life, under_way, new_life, stale;
  call(kIncarnation, &old_life);
  loop.RunFor(Seconds(1));
  ASSERT_EQ(CodeOfResult(old_life), ErrorCode::ok);
  for (const auto& stream : network.streams) stream->directions[1].held = true;
  MemoryEnv second_env(network, kServerIp + 10);
  RpcServer second(second_env, {"c1", "server", kIncarnation + 1, 1, 1});
  second.Handle<kEcho, &Echo::Reply>(&echo);
  const NetworkAddress second_address = NetworkAddress::V4(kServerIp + 10, 4500);
  ASSERT_TRUE(second.Listen(second_address).ok());
  network.names["db"] = {second_address};
  call(kIncarnation, &under_way);
  call(kIncarnation + 1, &new_life);
  loop.RunFor(Milliseconds(200));  // Far below rpc_silence_max.
  EXPECT_EQ(CodeOfResult(new_life), ErrorCode::ok);
  EXPECT_EQ(CodeOfResult(under_way), ErrorCode::connection_failed);
  // One who is out of date does no harm.
  Result steady;
  tasks.Spawn("call",
              CallInto(client.get(), Endpoint("db", 4500), Ask("x", 1000), Seconds(5), &steady));
  loop.RunFor(Milliseconds(10));
  for (int i = 0; i < 20; ++i) {
    stale.reset();
    call(kIncarnation, &stale);
    loop.RunFor(Milliseconds(30));
    EXPECT_EQ(CodeOfResult(stale), ErrorCode::stale_endpoint);
  }
  loop.RunFor(Seconds(1));
  EXPECT_EQ(CodeOfResult(steady), ErrorCode::ok);
}

TEST_F(RpcFailureTest, ASilentPeerIsClosed) {
  Start();
  Result result;
  PeerState failure = PeerState::kIdle;
  Call(result, Ask("x", 60000), Seconds(60));
  tasks.Spawn("watch", [](RpcClient* rpc, Endpoint to, PeerState* out) -> Task<absl::Status> {
    *out = co_await rpc->WaitForFailure(to);
    co_return absl::OkStatus();
  }(client.get(), Endpoint(address), &failure));
  loop.RunFor(Seconds(5));
  ASSERT_FALSE(result.has_value());
  for (const auto& stream : network.streams) stream->directions[1].held = true;
  network.blackhole = true;
  loop.RunFor(Milliseconds(2400));  // Last heard up to one interval of 500 ms before.
  EXPECT_FALSE(result.has_value());
  loop.RunFor(Milliseconds(700));
  EXPECT_EQ(CodeOfResult(result), ErrorCode::connection_failed);
  EXPECT_EQ(failure, PeerState::kSilent);
  EXPECT_EQ(client_env.Counted("rpc_client_connections_silent"), 1u);
}

TEST_F(RpcFailureTest, HeartbeatsPassWhileDataIsHeldUp) {
  Start();
  Result result;
  Call(result, Ask("x", 0, Buffer::Copy(std::string(30 << 20, 'b'))), Seconds(50));
  loop.RunFor(Duration(1));
  while (network.streams.empty()) ASSERT_TRUE(loop.Step());
  loop.RunFor(Milliseconds(10));
  Result held;
  network.streams[0]->directions[0].held = true;  // Nothing of the data gets through for 20 s.
  Call(held, Ask("x", 0, Buffer::Copy(std::string(30 << 20, 'b'))), Seconds(50));
  loop.RunFor(Seconds(20));
  EXPECT_FALSE(held.has_value());
  EXPECT_EQ(client->StateOf(address), PeerState::kConnected);
  network.Release(*network.streams[0], 0);
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(held), ErrorCode::ok);
}

TEST_F(RpcFailureTest, AStuckDataConnectionIsSeenWhileHeartbeatsPass) {
  Start();
  Result large, result;
  Call(large, Ask("x", 0, Buffer::Copy(std::string(30 << 20, 'b'))), Seconds(50));
  loop.RunFor(Milliseconds(10));
  ASSERT_EQ(CodeOfResult(large), ErrorCode::ok);  // So it was read, and needs no time any more.
  Call(result, Ask("x", 200000), Seconds(300));
  loop.RunFor(Milliseconds(10));
  network.streams[0]->directions[1].held = true;
  loop.RunFor(Milliseconds(4400));  // A ping after half of rpc_silence_max, its pong within all.
  EXPECT_FALSE(result.has_value());
  loop.RunFor(Milliseconds(1200));
  EXPECT_EQ(CodeOfResult(result), ErrorCode::connection_failed);
  EXPECT_EQ(client_env.Counted("rpc_client_connections_silent"), 1u);
}

TEST_F(RpcFailureTest, AStuckDataConnectionWithALargeFrameIsSeenLater) {
  Start();
  Result first, result;
  Call(first, Ask("x"));
  loop.RunFor(Milliseconds(10));
  ASSERT_EQ(CodeOfResult(first), ErrorCode::ok);
  network.streams[0]->directions[0].held = true;
  Call(result, Ask("x", 0, Buffer::Copy(std::string(32 << 20, 'b').substr(100))), Seconds(300));
  loop.RunFor(Seconds(58));
  EXPECT_FALSE(result.has_value());
  loop.RunFor(Seconds(5));
  EXPECT_EQ(CodeOfResult(result), ErrorCode::connection_failed);
}

// Silence lasts longer than any of them.
TEST_F(RpcFailureTest, AStuckDataConnectionIsSeenByCallsThatEndSooner) {
  Start();
  Result first;
  Call(first, Ask("x"));
  loop.RunFor(Milliseconds(10));
  ASSERT_EQ(CodeOfResult(first), ErrorCode::ok);
  network.streams[0]->directions[1].held = true;
  for (int i = 0; i < 5; ++i) {
    Result gives_up;
    Call(gives_up, Ask("x"), Milliseconds(800));
    loop.RunFor(Seconds(1));
    EXPECT_NE(CodeOfResult(gives_up), ErrorCode::ok);
  }
  Result result;
  Call(result, Ask("x"), Seconds(1));
  loop.RunFor(Seconds(1));
  EXPECT_EQ(CodeOfResult(result), ErrorCode::ok);
}

TEST_F(RpcFailureTest, AStuckHeartbeatConnectionAloneHeals) {
  Start();
  Result result;
  Call(result, Ask("x", 30000), Seconds(60));
  loop.RunFor(Seconds(2));
  ASSERT_EQ(network.streams.size(), 2u);
  network.streams[1]->directions[0].held = true;
  loop.RunFor(Seconds(30));
  EXPECT_EQ(CodeOfResult(result), ErrorCode::ok);
  EXPECT_EQ(network.streams.size(), 3u);
}

TEST_F(RpcFailureTest, AnUnusedConnectionIsClosed) {
  Start();
  Result result;
  Call(result, Ask("x"));
  loop.RunFor(Seconds(1));
  EXPECT_EQ(server_env.Counted("rpc_server_connections"), 2u);
  loop.RunFor(Seconds(61));
  EXPECT_EQ(client->StateOf(address), PeerState::kIdle);
  EXPECT_EQ(server_env.Counted("rpc_server_connections"), 0u);
  Result again;
  Call(again, Ask("x"));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(again), ErrorCode::ok);
}

TEST_F(RpcFailureTest, AClientThatWentWithoutAWordIsForgotten) {
  Start();
  Result result;
  Call(result, Ask("x", 500000), Seconds(1000));
  loop.RunFor(Seconds(1));
  for (const auto& stream : network.streams) stream->directions[0].held = true;
  const auto dead = std::move(client);  // Its destruction is not seen by the server.
  loop.RunFor(Seconds(250));
  EXPECT_EQ(echo.running, 0);
  EXPECT_EQ(server_env.memory().used_bytes(), 0u);
}

TEST_F(RpcFailureTest, DisjointVersionsAndOtherClustersAreRefused) {
  StartServer({"c1", "server", kIncarnation, 3, 4});
  StartClient({"c1", "client", 0, 1, 2});
  Result version, cluster, unknown;
  Call(version, Ask("x"));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(version), ErrorCode::protocol_mismatch);
  EXPECT_EQ(client->StateOf(address), PeerState::kRefused);
  StartClient({"c2", "client", 0, 1, 3});
  Call(cluster, Ask("x"));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(cluster), ErrorCode::wrong_cluster);
  StartClient({"", "client", 0, 1, 3});
  Call(unknown, Ask("x"));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(unknown), ErrorCode::ok);
}

TEST_F(RpcFailureTest, DamageClosesTheConnectionAndIsCounted) {
  Start();
  Result first, damaged, after;
  Call(first, Ask("x"));
  loop.RunFor(Milliseconds(10));
  network.on_piece = [](Stream&, int direction, std::string& bytes) {
    if (direction == 0) bytes[bytes.size() / 2] ^= 4;
  };
  Call(damaged, Ask("x"));
  loop.RunFor(Milliseconds(1));
  network.on_piece = nullptr;
  EXPECT_EQ(CodeOfResult(damaged), ErrorCode::connection_failed);
  EXPECT_EQ(server_env.Counted("rpc_server_frame_defects", {{"defect", "corrupt"}}), 1u);
  EXPECT_EQ(server_env.log.Count("RpcFrameDefect"), 1u);
  EXPECT_EQ(echo.begun, 1);
  Call(after, Ask("x"));
  loop.RunFor(Seconds(2));
  EXPECT_EQ(CodeOfResult(after), ErrorCode::ok);
}

TEST_F(RpcFailureTest, DamagedRepliesFailCallsAsCorrupt) {
  Start();
  Result damaged;
  network.on_piece = [](Stream& stream, int direction, std::string& bytes) {
    if (direction == 1 && stream.directions[1].writes == 2) bytes.back() ^= 1;
  };
  Call(damaged, Ask("x"));
  loop.RunFor(Milliseconds(10));
  EXPECT_EQ(CodeOfResult(damaged), ErrorCode::corrupt_frame);
  EXPECT_EQ(client_env.Counted("rpc_client_frame_defects", {{"defect", "corrupt"}}), 1u);
}

// Writes `bytes` to the server as a stranger would, and keeps the connection until it is closed.
Task<absl::Status> Stranger(Network* network, NetworkAddress to, std::string bytes, bool* closed) {
  CO_ASSIGN_OR_RETURN(auto connection, co_await network->Connect(to));
  if (!bytes.empty()) connection->Write(Buffer::Copy(bytes));
  const absl::StatusOr<Buffer> answer = co_await connection->Read();
  *closed = !answer.ok() || answer->empty();
  co_return absl::OkStatus();
}

// A server whose Hello is followed by a pong that nobody asked for, in the same write, and later by
// another one.
Task<absl::Status> TalkTooMuch(Clock* clock, Network* network, NetworkAddress at,
                               int* connections) {
  CO_ASSIGN_OR_RETURN(std::unique_ptr<Listener> listener, network->Listen(at));
  std::vector<std::unique_ptr<Connection>> held;
  while (true) {
    CO_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, co_await listener->Accept());
    ++*connections;
    std::string bytes(EncodeHello({{"c1", "server", 7, 1, 1}, Lane::kData}).view());
    char pong[kFrameHeaderBytes];
    WriteFrameHeader({.type = FrameType::kPong, .request_id = 1}, {}, {}, pong);
    connection->Write(Buffer::Copy(bytes.append(pong, sizeof(pong))));
    co_await Sleep(*clock, Milliseconds(1));
    connection->Write(Buffer::Copy({pong, sizeof(pong)}));
    held.push_back(std::move(connection));
  }
}

TEST_F(RpcFailureTest, FramesBehindTheHandshakeAreRead) {
  int connections = 0;
  tasks.Spawn("server", TalkTooMuch(&loop, &server_env.network(), address, &connections));
  StartClient();
  Result result;
  Call(result, Ask("x"), Seconds(1));
  loop.RunFor(Seconds(1));
  EXPECT_EQ(CodeOfResult(result), ErrorCode::timed_out);
  EXPECT_EQ(client->StateOf(address), PeerState::kConnected);
  EXPECT_GE(connections, 1);
}

// A pong that comes in two parts leaves nothing of it in the budget.
TEST_F(RpcFailureTest, AHeartbeatInPartsHoldsNoMemory) {
  Start();
  Result result;
  Call(result, Ask("x", 60000), Seconds(60));
  loop.RunFor(Milliseconds(100));
  network.split_bytes = 10;
  loop.RunFor(Seconds(10));
  EXPECT_EQ(client_env.memory().used_bytes(), 0u);
}

TEST_F(RpcFailureTest, StrangersAreClosed) {
  StartServer();
  bool foreign = false, oversized = false, slow = false;
  tasks.Spawn("a", Stranger(&client_env.network(), address, "GET / HTTP/1.1\r\n\r\n", &foreign));
  std::string huge(kPreamble);
  huge.resize(kPreamble.size() + kFrameHeaderBytes);
  const std::string body(4097, 'x');
  WriteFrameHeader({.type = FrameType::kHello, .body_bytes = 4097}, body, {},
                   huge.data() + kPreamble.size());
  tasks.Spawn("b", Stranger(&client_env.network(), address, huge, &oversized));
  tasks.Spawn("c", Stranger(&client_env.network(), address, "ORR", &slow));
  loop.RunFor(Milliseconds(10));
  EXPECT_TRUE(foreign);
  EXPECT_TRUE(oversized);
  EXPECT_FALSE(slow);
  EXPECT_EQ(server_env.Counted("rpc_server_frame_defects", {{"defect", "foreign"}}), 1u);
  EXPECT_EQ(server_env.Counted("rpc_server_frame_defects", {{"defect", "oversized"}}), 1u);
  loop.RunFor(Seconds(6));
  EXPECT_TRUE(slow);
  EXPECT_EQ(server_env.Counted("rpc_server_connections"), 0u);
}

TEST_F(RpcFailureTest, ConnectionsAreLimited) {
  server_env.Set("rpc_connections_max", "2");
  StartServer();
  bool closed[3] = {};
  for (bool& each : closed) {
    tasks.Spawn("s", Stranger(&client_env.network(), address, "ORR", &each));
  }
  loop.RunFor(Milliseconds(10));
  EXPECT_FALSE(closed[0]);
  EXPECT_FALSE(closed[1]);
  EXPECT_TRUE(closed[2]);
}

TEST_F(RpcFailureTest, AnotherLifeOfThePeerIsSeen) {
  Start();
  Result result;
  Call(result, Ask("x"));
  loop.RunFor(Milliseconds(10));
  const Endpoint old_life = server->endpoint();
  server.reset();
  StartServer({"c1", "server", kIncarnation + 1, 1, 1});
  PeerState failure = PeerState::kIdle;
  tasks.Spawn("watch", [](RpcClient* rpc, Endpoint to, PeerState* out) -> Task<absl::Status> {
    *out = co_await rpc->WaitForFailure(to);
    co_return absl::OkStatus();
  }(client.get(), old_life, &failure));
  Result stale;
  tasks.Spawn("call", CallInto(client.get(), old_life, Ask("x"), Seconds(5), &stale));
  loop.RunFor(Seconds(3));
  EXPECT_EQ(failure, PeerState::kClosed);
  EXPECT_NE(CodeOfResult(stale), ErrorCode::ok);
  EXPECT_EQ(echo.begun, 1);
}

// What is destroyed after `steps` steps of the loop.
enum class Victim { kCalls, kClient, kServer, kAll };

TEST_F(RpcFailureTest, DestroyingAnEndAtAnyStepLeavesNothing) {
  for (const Victim victim : {Victim::kCalls, Victim::kClient, Victim::kServer, Victim::kAll}) {
    for (int steps = 0; steps < 120; ++steps) {
      network.streams.clear();
      Start();
      auto calls = std::make_unique<TaskGroup>(loop, [](std::string_view, absl::Status) {});
      std::vector<Result> results(3);
      for (size_t i = 0; i < results.size(); ++i) {
        calls->Spawn("call", CallInto(client.get(), Endpoint(address),
                                      Ask("x", i * 5, Buffer::Copy(std::string(i * 5000, 'd'))),
                                      Seconds(1), &results[i]));
      }
      for (int i = 0; i < steps && loop.Step(); ++i) {
      }
      if (victim == Victim::kCalls || victim == Victim::kAll) calls.reset();
      if (victim == Victim::kClient || victim == Victim::kAll) client.reset();
      if (victim == Victim::kServer || victim == Victim::kAll) server.reset();
      if (victim == Victim::kClient && steps < 5) calls.reset();  // Some have not begun.
      loop.RunFor(Seconds(3));
      ASSERT_EQ(echo.running, 0) << steps;
      ASSERT_EQ(server_env.memory().used_bytes(), 0u) << steps;
      if (calls != nullptr) {
        for (const Result& each : results) ASSERT_TRUE(each.has_value()) << steps;
      }
      calls.reset();
      client.reset();
      server.reset();
      ASSERT_EQ(client_env.Counted("rpc_client_connections"), 0u) << steps;
      ASSERT_EQ(server_env.Counted("rpc_server_connections"), 0u) << steps;
    }
  }
}

}  // namespace
}  // namespace orrery::testing_rpc
