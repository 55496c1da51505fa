// Goal: the network of every world keeps the promises of core/env/network.h, also when tasks,
// connections and listeners are destroyed at awkward moments. Method: both ends in one process.
#include <vector>

#include "core/async/sleep.h"
#include "core/async/timeout.h"
#include "tests/conformance/streams.h"

namespace orrery::conformance {
namespace {

class NetworkTest : public ConformanceTest {};
INSTANTIATE_TEST_SUITE_P(Worlds, NetworkTest, ::testing::ValuesIn(NetworkWorlds()), NameOfWorld);

constexpr size_t kWritableBytes = 128 << 10;  // Half of the bound of WaitWritable.

Task<absl::Status> Echo(Connection& connection) {
  while (true) {
    CO_ASSIGN_OR_RETURN(Buffer bytes, co_await connection.Read());
    if (bytes.empty()) break;
    connection.Write(std::move(bytes));
    CO_RETURN_IF_ERROR(co_await connection.WaitWritable());
  }
  connection.FinishWriting();
  co_return absl::OkStatus();
}

// Writes `bytes` in pieces, as fast as the other end takes them.
Task<absl::Status> WriteAll(Connection& connection, std::string bytes, size_t piece) {
  for (size_t at = 0; at < bytes.size(); at += piece) {
    connection.Write(Buffer::Copy(std::string_view(bytes).substr(at, piece)));
    CO_RETURN_IF_ERROR(co_await connection.WaitWritable());
    EXPECT_LE(connection.QueuedBytes(), kWritableBytes);
  }
  connection.FinishWriting();
  co_return absl::OkStatus();
}

Task<absl::Status> ExpectAll(Connection& connection, std::string expected) {
  CO_ASSERT_ASSIGN(const std::string all, co_await ReadBytes(connection, SIZE_MAX));
  EXPECT_EQ(all.size(), expected.size());
  EXPECT_TRUE(all == expected);
  co_return absl::OkStatus();
}

TEST_P(NetworkTest, PortZeroChoosesAFreePort) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const auto one, env.network().Listen(kAnyPort));
    CO_ASSERT_ASSIGN(const auto two, env.network().Listen(kAnyPort));
    EXPECT_NE(one->local_address().port(), 0);
    EXPECT_NE(one->local_address().port(), two->local_address().port());
    EXPECT_EQ(one->local_address().WithPort(0), kAnyPort);
    CO_ASSERT_ASSIGN(const Pair pair, co_await MakePair(env));
    EXPECT_EQ(pair.server->peer_address(), pair.client->local_address());
    EXPECT_EQ(pair.server->local_address(), pair.client->peer_address());
    EXPECT_EQ(pair.client->local_address().WithPort(0), kAnyPort);
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, AListenerOfAllAddressesHearsItsOwn) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const auto listener,
                     env.network().Listen(*NetworkAddress::Parse("0.0.0.0:0")));
    const NetworkAddress address = kAnyPort.WithPort(listener->local_address().port());
    TaskGroup group(env.executor(), IgnoreError);
    auto accepted = group.Start("accept", listener->Accept());
    CO_ASSERT_ASSIGN(const auto client, co_await env.network().Connect(address));
    CO_ASSERT_ASSIGN(const auto server, co_await std::move(accepted));
    EXPECT_EQ(server->local_address(), address);
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, RefusedAndInUse) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(auto listener, env.network().Listen(kAnyPort));
    const NetworkAddress address = listener->local_address();
    const absl::Status in_use = env.network().Listen(address).status();
    EXPECT_CODE(bind_failed, in_use);
    EXPECT_NE(std::string(in_use.message()).find(address.ToString()), std::string::npos) << in_use;
    EXPECT_NE(std::string(in_use.message()).find("in use"), std::string::npos) << in_use;
    EXPECT_CODE(bind_failed, env.network().Listen(*NetworkAddress::Parse("192.0.2.1:0")).status());
    listener.reset();
    const absl::Status refused = (co_await env.network().Connect(address)).status();
    EXPECT_CODE(connection_failed, refused);
    EXPECT_NE(std::string(refused.message()).find(address.ToString()), std::string::npos)
        << refused;
    EXPECT_TRUE(env.network().Listen(address).ok());  // Free again at once.
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, APortIsFreeAgainWhenItsConnectionsLiveOn) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(auto listener, env.network().Listen(kAnyPort));
    const NetworkAddress address = listener->local_address();
    TaskGroup group(env.executor(), IgnoreError);
    auto accepted = group.Start("accept", listener->Accept());
    CO_ASSERT_ASSIGN(const auto client, co_await env.network().Connect(address));
    CO_ASSERT_ASSIGN(const auto server, co_await std::move(accepted));
    listener.reset();
    CO_ASSERT_ASSIGN(listener, env.network().Listen(address));
    client->Write(Buffer::Copy("still here"));
    CO_ASSERT_ASSIGN(const std::string got, co_await ReadBytes(*server, 10));
    EXPECT_EQ(got, "still here");
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, EchoesBytesOfManySizes) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const Pair pair, co_await MakePair(env));
    TaskGroup group(env.executor(), ExpectNoError);
    group.Spawn("echo", Echo(*pair.server));
    for (const size_t size : {1, 2, 100, 1448, 4096, 16'384, 16'385, 65'537, 300'001, 5'000'003}) {
      const std::string sent = Noise(size, size);
      pair.client->Write(Buffer());  // Nothing, and no end either.
      pair.client->Write(Buffer::Copy(sent));
      CO_ASSERT_ASSIGN(const std::string got, co_await ReadBytes(*pair.client, size));
      EXPECT_TRUE(got == sent) << size;
    }
    pair.client->FinishWriting();
    CO_ASSERT_ASSIGN(const Buffer end, co_await pair.client->Read());
    EXPECT_TRUE(end.empty());
    co_await group.Join();
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, MegabytesBothWaysAtOnce) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const Pair pair, co_await MakePair(env));
    const std::string there = Noise(6'000'001, 1);
    const std::string back = Noise(5'000'001, 2);
    TaskGroup group(env.executor(), ExpectNoError);
    group.Spawn("write", WriteAll(*pair.client, there, 100'003));
    group.Spawn("write", WriteAll(*pair.server, back, 7'001));
    group.Spawn("read", ExpectAll(*pair.server, there));
    group.Spawn("read", ExpectAll(*pair.client, back));
    co_await group.Join();
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, QueuedBytesLeaveAtTheEndOfTheTurn) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const Pair pair, co_await MakePair(env));
    for (int round = 0; round < 20; ++round) {
      for (const char* word : {"all ", "of ", "a ", "turn"}) {
        pair.client->Write(Buffer::Copy(word));
      }
      EXPECT_EQ(pair.client->QueuedBytes(), 13u);
      CO_ASSERT_ASSIGN(const std::string got, co_await ReadBytes(*pair.server, 13));
      EXPECT_EQ(got, "all of a turn");
      EXPECT_EQ(pair.client->QueuedBytes(), 0u);
    }
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, ASlowReaderHoldsTheWriterBack) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const Pair pair, co_await MakePair(env));
    constexpr size_t kBoundBytes = 256 << 20;
    size_t written = 0;
    absl::Status room;
    while (room.ok() && written < kBoundBytes) {
      pair.client->Write(Buffer::Copy(std::string(64 << 10, 'x')));
      written += 64 << 10;
      room = co_await Timeout(env.clock(), Milliseconds(200), pair.client->WaitWritable());
    }
    EXPECT_CODE(timed_out, room);
    EXPECT_LT(written, kBoundBytes);
    EXPECT_GT(pair.client->QueuedBytes(), kWritableBytes);
    TaskGroup group(env.executor(), ExpectNoError);
    auto writable = group.Start("writable", pair.client->WaitWritable());
    CO_ASSERT_ASSIGN(const std::string all, co_await ReadBytes(*pair.server, written));
    EXPECT_EQ(all.size(), written);
    CO_ASSERT_OK(co_await std::move(writable));
    EXPECT_LE(pair.client->QueuedBytes(), kWritableBytes);
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, OneDirectionEndsBeforeTheOther) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const Pair pair, co_await MakePair(env));
    const std::string last = Noise(700'000);
    pair.client->Write(Buffer::Copy(last));
    pair.client->FinishWriting();
    CO_ASSERT_ASSIGN(std::string got, co_await ReadBytes(*pair.server, SIZE_MAX));
    EXPECT_TRUE(got == last);
    CO_ASSERT_ASSIGN(const Buffer again, co_await pair.server->Read());
    EXPECT_TRUE(again.empty());
    for (int round = 0; round < 3; ++round) {
      pair.server->Write(Buffer::Copy("answer"));
      CO_ASSERT_ASSIGN(got, co_await ReadBytes(*pair.client, 6));
      EXPECT_EQ(got, "answer");
    }
    pair.server->FinishWriting();
    CO_ASSERT_ASSIGN(const Buffer end, co_await pair.client->Read());
    EXPECT_TRUE(end.empty());
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, DestructionResetsAfterTheBytesBefore) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(Pair pair, co_await MakePair(env));
    pair.client->Write(Buffer::Copy("before"));
    co_await Sleep(env.clock(), Milliseconds(1));
    EXPECT_EQ(pair.client->QueuedBytes(), 0u);
    pair.client.reset();
    std::string got;
    absl::Status end;
    while (end.ok()) {
      const absl::StatusOr<Buffer> some = co_await pair.server->Read();
      CO_ASSERT_TRUE(!some.ok() || !some->empty());  // A break is no end.
      if (some.ok()) got += some->view();
      end = some.status();
    }
    EXPECT_EQ(std::string("before").substr(0, got.size()), got);
    EXPECT_CODE(connection_failed, end);
    EXPECT_CODE(connection_failed, (co_await pair.server->Read()).status());
    pair.server->Write(Buffer::Copy(std::string(1 << 20, 'x')));
    EXPECT_CODE(connection_failed, co_await pair.server->WaitWritable());
    EXPECT_EQ(pair.server->QueuedBytes(), 0u);
    pair.server->FinishWriting();
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, ABreakEndsWhoWaits) {
  Run([](Env& env) -> Task<absl::Status> {
    for (int round = 0; round < 10; ++round) {
      CO_ASSERT_ASSIGN(Pair pair, co_await MakePair(env));
      TaskGroup group(env.executor(), ExpectNoError);
      auto reads = group.Start("read", pair.server->Read());
      pair.server->Write(Buffer::Copy(std::string(16 << 20, 'x')));
      auto waits = group.Start("wait", pair.server->WaitWritable());
      co_await Sleep(env.clock(), Microseconds(50 * round));
      pair.client.reset();
      EXPECT_CODE(connection_failed, (co_await std::move(reads)).status());
      EXPECT_CODE(connection_failed, co_await std::move(waits));
    }
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, ADestroyedConnectionEndsItsOwnWaiters) {
  Run([](Env& env) -> Task<absl::Status> {
    for (int round = 0; round < 10; ++round) {
      CO_ASSERT_ASSIGN(Pair pair, co_await MakePair(env));
      TaskGroup group(env.executor(), ExpectNoError);
      auto reads = group.Start("read", pair.server->Read());
      co_await Sleep(env.clock(), Microseconds(20 * round));
      pair.server.reset();
      EXPECT_CODE(connection_failed, (co_await std::move(reads)).status());
    }
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, AReadGivenUpLosesNothing) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const Pair pair, co_await MakePair(env));
    std::string sent;
    std::string got;
    for (int round = 0; round < 300; ++round) {
      const std::string number = std::to_string(round) + ",";
      sent += number;
      pair.client->Write(Buffer::Copy(number));
      const auto some =
          co_await Timeout(env.clock(), Microseconds(7 * (round % 60)), pair.server->Read());
      if (some.ok()) got += some->view();
    }
    pair.client->FinishWriting();
    CO_ASSERT_ASSIGN(const std::string rest, co_await ReadBytes(*pair.server, SIZE_MAX));
    EXPECT_EQ(got + rest, sent);
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, AWaitForRoomGivenUpLosesNothing) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const Pair pair, co_await MakePair(env));
    const std::string sent = Noise(4 << 20);
    TaskGroup group(env.executor(), ExpectNoError);
    group.Spawn("read", ExpectAll(*pair.server, sent));
    pair.client->Write(Buffer::Copy(sent));
    absl::Status room = Error(ErrorCode::timed_out);
    for (int round = 0; !room.ok(); ++round) {
      EXPECT_CODE(timed_out, room);
      room = co_await Timeout(env.clock(), Microseconds(round % 100), pair.client->WaitWritable());
    }
    pair.client->FinishWriting();
    co_await group.Join();
    co_return absl::OkStatus();
  });
}

// Stays until its end.
Task<absl::Status> SayHello(Env& env, NetworkAddress address) {
  CO_ASSERT_ASSIGN(const auto connection, co_await env.network().Connect(address));
  connection->Write(Buffer::Copy("hello"));
  co_return co_await WaitForDeath(env);
}

TEST_P(NetworkTest, AcceptsGivenUpLeaveTheListenerWhole) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const auto listener, env.network().Listen(kAnyPort));
    const NetworkAddress address = listener->local_address();
    for (int round = 0; round < 30; ++round) {
      const auto nobody = co_await Timeout(env.clock(), Microseconds(round), listener->Accept());
      EXPECT_CODE(timed_out, nobody.status());
    }
    for (int round = 0; round < 40; ++round) {
      TaskGroup group(env.executor(), IgnoreError);
      auto accept = group.Start("accept", listener->Accept());
      auto connect = group.Start("connect", env.network().Connect(address));
      co_await Sleep(env.clock(), Microseconds(20 * round));
      group.Cancel();
    }
    // Whoever came meanwhile is still there, broken; then a whole round works.
    TaskGroup group(env.executor(), ExpectNoError);
    group.Spawn("hello", SayHello(env, address));
    std::string got;
    while (got != "hello") {
      CO_ASSERT_ASSIGN(const auto server, co_await listener->Accept());
      const absl::StatusOr<std::string> said = co_await ReadBytes(*server, 5);
      if (said.ok()) got = *said;
    }
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, ADestroyedListenerEndsItsAccept) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(auto listener, env.network().Listen(kAnyPort));
    TaskGroup group(env.executor(), IgnoreError);
    auto accept = group.Start("accept", listener->Accept());
    co_await Sleep(env.clock(), Duration::zero());
    listener.reset();
    EXPECT_FALSE((co_await std::move(accept)).ok());
    co_return absl::OkStatus();
  });
}

using Connections = std::vector<std::unique_ptr<Connection>>;

Task<absl::Status> AcceptAndEcho(Env& env, Listener& listener, int count,
                                 Connections& connections) {
  TaskGroup group(env.executor(), ExpectNoError);
  for (int i = 0; i < count; ++i) {
    CO_ASSERT_ASSIGN(connections.emplace_back(), co_await listener.Accept());
    group.Spawn("echo", Echo(*connections.back()));
  }
  co_await group.Join();
  co_return absl::OkStatus();
}

Task<absl::Status> AskEcho(Env& env, NetworkAddress address, int number) {
  CO_ASSERT_ASSIGN(const auto connection, co_await env.network().Connect(address));
  const std::string sent = Noise(10'000, static_cast<uint64_t>(number));
  connection->Write(Buffer::Copy(sent));
  connection->FinishWriting();
  co_return co_await ExpectAll(*connection, sent);
}

TEST_P(NetworkTest, ManyConnectionsAtOnce) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const auto listener, env.network().Listen(kAnyPort));
    Connections accepted;  // Until everything has arrived.
    TaskGroup group(env.executor(), ExpectNoError);
    group.Spawn("accept", AcceptAndEcho(env, *listener, 60, accepted));
    for (int i = 0; i < 60; ++i) {
      group.Spawn("ask", AskEcho(env, listener->local_address(), i));
    }
    co_await group.Join();
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, ResolvesNames) {
  Run([](Env& env) -> Task<absl::Status> {
    Network& network = env.network();
    CO_ASSERT_ASSIGN(const auto four, co_await network.Resolve("127.0.0.1", 80));
    EXPECT_EQ(four, std::vector{*NetworkAddress::Parse("127.0.0.1:80")});
    CO_ASSERT_ASSIGN(const auto six, co_await network.Resolve("::1", 80));
    EXPECT_EQ(six, std::vector{*NetworkAddress::Parse("[::1]:80")});
    CO_ASSERT_ASSIGN(const auto local, co_await network.Resolve("localhost", 81));
    EXPECT_FALSE(local.empty());
    for (const NetworkAddress& address : local) EXPECT_EQ(address.port(), 81);
    for (const std::string& name :
         {std::string("no such name"), std::string(), std::string("\0", 1), std::string("[::1"),
          std::string("1.2.3.4.5"), std::string("127.0.0.1:80")}) {
      EXPECT_CODE(name_not_found, (co_await network.Resolve(name, 80)).status());
    }
    // Given up while it is looked up.
    (void)co_await Timeout(env.clock(), Duration::zero(), network.Resolve("localhost", 1));
    co_return absl::OkStatus();
  });
}

TEST_P(NetworkTest, ADeadProcessBreaksItsStreamsAndFreesItsPorts) {
  world->DefinePeer([this](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const auto listener, env.network().Listen(world->peer_address()));
    world->PeerReady();
    CO_ASSERT_ASSIGN(const auto connection, co_await listener->Accept());
    connection->Write(Buffer::Copy("alive"));
    co_return co_await WaitForDeath(env);
  });
  Run([this](Env& env) -> Task<absl::Status> {
    for (int life = 0; life < 3; ++life) {
      CO_ASSERT_OK(co_await world->StartPeer(env));
      CO_ASSERT_ASSIGN(const auto connection,
                       co_await env.network().Connect(world->peer_address()));
      CO_ASSERT_ASSIGN(const std::string got, co_await ReadBytes(*connection, 5));
      EXPECT_EQ(got, "alive");
      co_await world->KillPeer(env);
      EXPECT_CODE(connection_failed, (co_await connection->Read()).status());
      EXPECT_CODE(connection_failed,
                  (co_await env.network().Connect(world->peer_address())).status());
    }
    co_return absl::OkStatus();
  });
}

}  // namespace
}  // namespace orrery::conformance
