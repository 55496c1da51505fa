// Goal: plain TCP keeps the promises of core/env/network.h, also when tasks, connections and
// listeners are destroyed at awkward moments. Method: loopback, both ends on one loop.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "core/real/testing/real_test.h"

namespace orrery::real {
namespace {

using TcpTest = RealTest;

Task<absl::Status> Echo(Env& env, Connection& connection) {
  while (true) {
    CO_ASSIGN_OR_RETURN(Buffer bytes, co_await connection.Read());
    if (bytes.empty()) break;
    connection.Write(std::move(bytes));
    CO_RETURN_IF_ERROR(co_await connection.WaitWritable());
  }
  connection.FinishWriting();
  co_await Sleep(env.clock(), Duration::zero());
  co_return absl::OkStatus();
}

Task<absl::Status> WriteAll(Connection& connection, size_t pieces, size_t bytes) {
  for (size_t i = 0; i < pieces; ++i) {
    connection.Write(Buffer::Copy(std::string(bytes, static_cast<char>('a' + i % 26))));
    CO_RETURN_IF_ERROR(co_await connection.WaitWritable());
  }
  connection.FinishWriting();
  co_return absl::OkStatus();
}

TEST_F(TcpTest, CarriesBytesBothWaysInOrder) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(const Pair pair, co_await MakePair(env));
    EXPECT_EQ(pair.server->peer_address(), pair.client->local_address());
    EXPECT_EQ(pair.server->local_address(), pair.client->peer_address());
    EXPECT_EQ(pair.client->peer_name(), "");
    TaskGroup group(env.executor(), [](std::string_view, absl::Status status) {
      ADD_FAILURE() << Describe(status);
    });
    group.Spawn("echo", Echo(env, *pair.server));
    group.Spawn("write", WriteAll(*pair.client, 300, 100'003));
    CO_ASSIGN_OR_RETURN(const std::string all, co_await ReadBytes(*pair.client, SIZE_MAX));
    EXPECT_EQ(all.size(), 300u * 100'003);
    bool right = true;
    for (size_t i = 0; i < all.size(); ++i) {
      right = right && all[i] == static_cast<char>('a' + i / 100'003 % 26);
    }
    EXPECT_TRUE(right);
    co_await group.Join();
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(TcpTest, ATurnsOutputLeavesInOnePiece) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(const Pair pair, co_await MakePair(env));
    for (int round = 0; round < 100; ++round) {
      for (const char* word : {"all ", "of ", "a ", "turn"}) {
        pair.client->Write(Buffer::Copy(word));
      }
      EXPECT_EQ(pair.client->QueuedBytes(), 13u);
      CO_ASSIGN_OR_RETURN(const Buffer bytes, co_await pair.server->Read());
      EXPECT_EQ(bytes.view(), "all of a turn");
      EXPECT_EQ(pair.client->QueuedBytes(), 0u);
    }
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(TcpTest, ASlowReaderHoldsTheWriterBack) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(const Pair pair, co_await MakePair(env));
    size_t written = 0;
    absl::Status room;
    while (room.ok()) {  // Until the peer's memory and both kernels' are full.
      pair.client->Write(Buffer::Copy(std::string(64 << 10, 'x')));
      written += 64 << 10;
      room = co_await Timeout(env.clock(), Milliseconds(100), pair.client->WaitWritable());
      EXPECT_LT(written, 256u << 20);
      if (written >= 256u << 20) break;
    }
    EXPECT_EQ(CodeOf(room), ErrorCode::timed_out);
    EXPECT_GT(pair.client->QueuedBytes(), 128u << 10);
    CO_ASSIGN_OR_RETURN(const std::string all, co_await ReadBytes(*pair.server, written));
    EXPECT_EQ(all.size(), written);
    CO_RETURN_IF_ERROR(co_await pair.client->WaitWritable());
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(TcpTest, OneDirectionEndsBeforeTheOther) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(const Pair pair, co_await MakePair(env));
    pair.client->Write(Buffer::Copy("last"));
    pair.client->FinishWriting();
    CO_ASSIGN_OR_RETURN(std::string got, co_await ReadBytes(*pair.server, SIZE_MAX));
    EXPECT_EQ(got, "last");
    CO_ASSIGN_OR_RETURN(const Buffer again, co_await pair.server->Read());
    EXPECT_TRUE(again.empty());
    pair.server->Write(Buffer::Copy("answer"));
    CO_ASSIGN_OR_RETURN(got, co_await ReadBytes(*pair.client, 6));
    EXPECT_EQ(got, "answer");
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(TcpTest, DestructionResetsAfterTheBytesBefore) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(Pair pair, co_await MakePair(env));
    pair.client->Write(Buffer::Copy("before"));
    co_await Sleep(env.clock(), Duration::zero());
    pair.client.reset();
    CO_ASSIGN_OR_RETURN(const std::string got, co_await ReadBytes(*pair.server, 6));
    EXPECT_EQ(got, "before");
    EXPECT_EQ(CodeOf((co_await pair.server->Read()).status()), ErrorCode::connection_failed);
    EXPECT_EQ(CodeOf((co_await pair.server->Read()).status()), ErrorCode::connection_failed);
    pair.server->Write(Buffer::Copy(std::string(1 << 20, 'x')));
    EXPECT_EQ(CodeOf(co_await pair.server->WaitWritable()), ErrorCode::connection_failed);
    EXPECT_EQ(pair.server->QueuedBytes(), 0u);
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

// The write meets the break first and takes the socket's error with it.
TEST_F(TcpTest, ABreakSeenByWriteIsNoEndForRead) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    for (int round = 0; round < 50; ++round) {
      CO_ASSIGN_OR_RETURN(Pair pair, co_await MakePair(env));
      pair.client.reset();
      pair.server->Write(Buffer::Copy("into the void"));
      const absl::Status end = (co_await pair.server->Read()).status();
      EXPECT_EQ(CodeOf(end), ErrorCode::connection_failed) << Describe(end);
    }
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(TcpTest, AReadGivenUpLosesNothing) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(const Pair pair, co_await MakePair(env));
    std::string sent;
    std::string got;
    for (int round = 0; round < 300; ++round) {
      sent += std::to_string(round) + ",";
      pair.client->Write(Buffer::Copy(std::to_string(round) + ","));
      const auto some =
          co_await Timeout(env.clock(), Microseconds(round % 60), pair.server->Read());
      if (some.ok()) got += some->view();
    }
    pair.client->FinishWriting();
    CO_ASSIGN_OR_RETURN(const std::string rest, co_await ReadBytes(*pair.server, SIZE_MAX));
    EXPECT_EQ(got + rest, sent);
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

Task<absl::Status> ReadUntilError(Connection& connection) {
  while (true) {
    CO_ASSIGN_OR_RETURN(const Buffer bytes, co_await connection.Read());
    if (bytes.empty()) co_return absl::OkStatus();
  }
}

TEST_F(TcpTest, DestroyedWhileTasksWait) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    for (int round = 0; round < 60; ++round) {
      CO_ASSIGN_OR_RETURN(Pair pair, co_await MakePair(env));
      int ends = 0;
      TaskGroup group(env.executor(), [&ends](std::string_view, absl::Status status) {
        EXPECT_EQ(CodeOf(status), ErrorCode::connection_failed);
        ++ends;
      });
      // They read and write on the loop while the connection goes away under them.
      group.Spawn("read", ReadUntilError(*pair.server));
      pair.client->Write(Buffer::Copy(std::string(8 << 20, 'x')));
      auto waits = group.Start("wait", pair.client->WaitWritable());
      co_await Sleep(env.clock(), Microseconds(round * 20));
      pair.client.reset();
      const absl::Status waited = co_await std::move(waits);
      EXPECT_TRUE(waited.ok() || CodeOf(waited) == ErrorCode::connection_failed);
      co_await group.Join();
      EXPECT_EQ(ends, 1);
    }
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(TcpTest, ConnectingAndAcceptingGivenUp) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(auto listener, env.network().Listen(kAnyPort));
    const NetworkAddress address = listener->local_address();
    for (int round = 0; round < 100; ++round) {
      TaskGroup group(env.executor(), [](std::string_view, absl::Status) {});
      auto accept = group.Start("accept", listener->Accept());
      auto connect = group.Start("connect", env.network().Connect(address));
      co_await Sleep(env.clock(), Microseconds(round));
      group.Cancel();
    }
    // Whoever came meanwhile is still there; then a whole round works.
    TaskGroup group(env.executor(), [](std::string_view, absl::Status) {});
    auto connect = group.Start("connect", env.network().Connect(address));
    CO_ASSIGN_OR_RETURN(auto client, co_await std::move(connect));
    while (true) {
      CO_ASSIGN_OR_RETURN(auto server, co_await listener->Accept());
      if (server->peer_address() == client->local_address()) break;
    }
    // A listener destroyed under its Accept ends it.
    auto accept = group.Start("accept", listener->Accept());
    co_await Sleep(env.clock(), Duration::zero());
    listener.reset();
    EXPECT_FALSE((co_await std::move(accept)).ok());
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(TcpTest, RefusedAndInUse) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(auto listener, env.network().Listen(kAnyPort));
    const NetworkAddress address = listener->local_address();
    const absl::Status in_use = env.network().Listen(address).status();
    EXPECT_EQ(CodeOf(in_use), ErrorCode::bind_failed);
    EXPECT_EQ(std::string(in_use.message()),
              "listen on " + address.ToString() + ": Address already in use");
    EXPECT_EQ(CodeOf(env.network().Listen(*NetworkAddress::Parse("192.0.2.1:0")).status()),
              ErrorCode::bind_failed);
    listener.reset();
    const absl::Status refused = (co_await env.network().Connect(address)).status();
    EXPECT_EQ(CodeOf(refused), ErrorCode::connection_failed);
    EXPECT_EQ(std::string(refused.message()),
              "connect to " + address.ToString() + ": Connection refused");
    CO_RETURN_IF_ERROR(env.network().Listen(address).status());  // Free again at once.
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(TcpTest, ResolvesNames) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(auto four, co_await env.network().Resolve("127.0.0.1", 80));
    EXPECT_EQ(four, std::vector{*NetworkAddress::Parse("127.0.0.1:80")});
    CO_ASSIGN_OR_RETURN(auto six, co_await env.network().Resolve("::1", 80));
    EXPECT_EQ(six, std::vector{*NetworkAddress::Parse("[::1]:80")});
    CO_ASSIGN_OR_RETURN(auto local, co_await env.network().Resolve("localhost", 81));
    EXPECT_FALSE(local.empty());
    for (const NetworkAddress& address : local) EXPECT_EQ(address.port(), 81);
    for (const std::string& name :
         {std::string("no such name"), std::string(), std::string("\0", 1)}) {
      EXPECT_EQ(CodeOf((co_await env.network().Resolve(name, 80)).status()),
                ErrorCode::name_not_found)
          << name;
    }
    // Given up while a thread looks it up; the Env is destroyed with the look-up under way.
    (void)co_await Timeout(env.clock(), Duration::zero(), env.network().Resolve("localhost", 1));
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

uint64_t CounterOf(Env& env, std::string_view name) {
  const Metric* metric = env.metrics().Find(name);
  return metric == nullptr ? 0 : std::get<Counter>(metric->value).value();
}

TEST_F(TcpTest, WithoutDescriptorsTheListenerPausesAndOthersAreServed) {
  auto env = RealEnv::Create(Options());
  ASSERT_TRUE(env.ok()) << Describe(env.status());
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const absl::Status status = (*env)->Run([](Env& inside) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(const Pair pair, co_await MakePair(inside));
    CO_ASSIGN_OR_RETURN(auto listener, inside.network().Listen(kAnyPort));
    TaskGroup group(inside.executor(), [](std::string_view, absl::Status) {});
    auto connect = group.Start("connect", inside.network().Connect(listener->local_address()));
    CO_ASSIGN_OR_RETURN(auto waiting, co_await std::move(connect));  // In the kernel's queue.
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    rlimit limit;
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = static_cast<rlim_t>(lowest_free);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);

    const Time begin = inside.clock().Now();
    auto accept = group.Start("accept", listener->Accept());
    while (CounterOf(inside, "real_accepts_throttled") == 0) co_await Yield();
    pair.client->Write(Buffer::Copy("served"));
    CO_ASSIGN_OR_RETURN(const std::string got, co_await ReadBytes(*pair.server, 6));
    EXPECT_EQ(got, "served");
    EXPECT_EQ(CodeOf((co_await inside.network().Connect(listener->local_address())).status()),
              ErrorCode::overloaded);
    // One pause after the other, and nothing between them.
    const auto& knobs = inside.knobs().Get<RealKnobs>();
    co_await Sleep(inside.clock(), 2 * knobs.real_accept_retry_delay);
    const Duration passed = inside.clock().Now() - begin;
    EXPECT_LE(CounterOf(inside, "real_accepts_throttled"),
              static_cast<uint64_t>(passed / knobs.real_accept_retry_delay) + 1);

    limit.rlim_cur = limit.rlim_max;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    CO_ASSIGN_OR_RETURN(auto server, co_await std::move(accept));
    EXPECT_EQ(server->peer_address(), waiting->local_address());
    co_return absl::OkStatus();
  });
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(status.ok()) << Describe(status);
}

}  // namespace
}  // namespace orrery::real
