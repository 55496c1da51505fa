// Goal: what core/env/network.h promises, for streams, listeners and names of the simulated
// network. Method: two or three processes on one timeline; a seeded model test of content and
// order.
#include <gtest/gtest.h>

#include <string>

#include "core/base/random.h"
#include "sim/network/test_world.h"

namespace orrery::sim {
namespace {

class NetworkTest : public testing::Test {
 protected:
  TestWorld world{1};
  TestProcess& a = world.Add();
  TestProcess& b = world.Add();
};

TEST_F(NetworkTest, CarriesBytesBothWaysAndEndsInOrder) {
  auto [client, server] = world.Join(a, b);
  std::string at_server, at_client;
  b.group.Spawn("read", ReadAll(server.get(), &at_server));
  a.group.Spawn("read", ReadAll(client.get(), &at_client));
  client->Write(Buffer::Copy("hello "));
  client->Write(Buffer::Copy("world"));
  client->FinishWriting();
  server->Write(Buffer::Copy("and back"));
  EXPECT_EQ(server->QueuedBytes(), 8u);
  world.Run();
  EXPECT_EQ(server->QueuedBytes(), 0u);
  EXPECT_EQ(at_server, "hello world$");
  EXPECT_EQ(at_client, "and back");
  EXPECT_EQ(client->peer_address(), server->local_address());
  EXPECT_EQ(server->peer_address(), client->local_address());
  EXPECT_EQ(client->peer_address().WithPort(0), AddressOf(1));
  server->FinishWriting();
  world.Run();
  EXPECT_EQ(at_client, "and back$");
  client.reset();  // Both have finished: no reset.
  world.Run();
  EXPECT_TRUE(world.Await(b, server->WaitWritable()).ok());
}

TEST_F(NetworkTest, OneTurnIsOneEventAndSharesTheBytes) {
  auto [client, server] = world.Join(a, b);
  std::string got;
  {
    TaskGroup group(b.loop, [](std::string_view, absl::Status) {});
    group.Spawn("read", ReadAll(server.get(), &got));
    world.Run();
    const uint64_t before = world.timeline.events();
    client->Write(Buffer::Copy("two "));
    client->Write(Buffer::Copy("pieces"));
    world.Run();
    EXPECT_EQ(world.timeline.events() - before, 2u);  // The writer's turn; delivery and reading.
    EXPECT_EQ(got, "two pieces");
  }
  const Buffer bytes = Buffer::Copy("shared");
  client->Write(bytes);
  auto read = world.Await(b, server->Read());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->data(), bytes.data());
}

TEST_F(NetworkTest, DestroyingAnEndResetsTheOther) {
  auto [client, server] = world.Join(a, b);
  std::string got;
  client->Write(Buffer::Copy("left"));
  world.RunFor(Microseconds(1));
  client->Write(Buffer::Copy("queued"));  // May be lost: here it is.
  client.reset();
  b.group.Spawn("read", ReadAll(server.get(), &got));
  world.Run();
  EXPECT_EQ(got, "left!");
  EXPECT_FALSE(world.Await(b, server->WaitWritable()).ok());
  server->Write(Buffer::Copy("dropped"));
  EXPECT_EQ(server->QueuedBytes(), 0u);
  server.reset();
  EXPECT_EQ(world.model.open_streams(), 0u);
}

TEST_F(NetworkTest, SlowReaderHoldsTheWriterBack) {
  auto [client, server] = world.Join(a, b);
  const size_t piece = 64 << 10;
  const uint32_t window = world.model.parameters().window_bytes;
  const std::string chunk(piece, 'x');
  for (size_t i = 0; i < 2 * window / piece; ++i) client->Write(Buffer::Copy(chunk));
  world.Run();
  EXPECT_EQ(client->QueuedBytes(), window);
  bool writable = false;
  auto wait = [](Connection* to, bool* done) -> Task<absl::Status> {
    CO_RETURN_IF_ERROR(co_await to->WaitWritable());
    *done = to->QueuedBytes() <= 128 << 10;
    co_return absl::OkStatus();
  };
  a.group.Spawn("wait", wait(client.get(), &writable));
  world.Run();
  EXPECT_FALSE(writable);
  size_t got = 0;
  while (got < 2 * window) got += world.Await(b, server->Read())->size();
  world.Run();
  EXPECT_EQ(got, 2 * window);
  EXPECT_TRUE(writable);
}

TEST_F(NetworkTest, RefusesWithoutListenerAndHangsWithoutHost) {
  const Time begin = world.timeline.Now();
  const auto refused = world.Await(a, a.network->Connect(AddressOf(1, 99)));
  EXPECT_EQ(CodeOf(refused.status()), ErrorCode::connection_failed);
  EXPECT_LT(world.timeline.Now() - begin, Milliseconds(2));
  EXPECT_GT(world.timeline.Now() - begin, Microseconds(60));
  const auto nobody = world.Await(a, a.network->Connect(AddressOf(77, 99)));
  EXPECT_EQ(CodeOf(nobody.status()), ErrorCode::connection_failed);
  EXPECT_GE(world.timeline.Now() - begin, world.model.parameters().connect_give_up);
  EXPECT_EQ(world.model.open_streams(), 0u);
}

TEST_F(NetworkTest, ListenChecksTheAddress) {
  auto first = a.network->Listen(AddressOf(0, 4500));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ((*first)->local_address(), AddressOf(0, 4500));
  EXPECT_EQ(CodeOf(a.network->Listen(AddressOf(0, 4500)).status()), ErrorCode::bind_failed);
  EXPECT_EQ(CodeOf(a.network->Listen(AddressOf(1, 4501)).status()), ErrorCode::bind_failed);
  auto chosen = a.network->Listen(AddressOf(0, 0));
  ASSERT_TRUE(chosen.ok());
  EXPECT_NE((*chosen)->local_address().port(), 0);
  first->reset();
  EXPECT_TRUE(a.network->Listen(AddressOf(0, 4500)).ok());
}

TEST_F(NetworkTest, LoopbackIsTheHostItself) {
  const NetworkAddress loopback = *NetworkAddress::Parse("127.0.0.1:0");
  auto listener = a.network->Listen(loopback);
  ASSERT_TRUE(listener.ok());
  const NetworkAddress target = (*listener)->local_address();
  EXPECT_FALSE(world.Await(b, b.network->Connect(AddressOf(0, target.port()))).ok());
  EXPECT_FALSE(world.Await(b, b.network->Connect(target)).ok());
  auto connected = world.Await(a, a.network->Connect(target));
  ASSERT_TRUE(connected.ok());
  EXPECT_TRUE(world.Await(a, (*listener)->Accept()).ok());
}

TEST_F(NetworkTest, BacklogIsBounded) {
  NetworkParameters small = PlainParameters();
  small.backlog_max = 2;
  TestWorld other(3, small);
  TestProcess& c = other.Add();
  TestProcess& d = other.Add();
  auto listener = d.network->Listen(AddressOf(1, 80));
  int connected = 0;
  auto connect = [](TestProcess* from, int* count) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(auto connection, co_await from->network->Connect(AddressOf(1, 80)));
    ++*count;
    from->held.push_back(std::move(connection));
    co_return absl::OkStatus();
  };
  for (int i = 0; i < 3; ++i) c.group.Spawn("connect", connect(&c, &connected));
  other.RunFor(Seconds(5));
  EXPECT_EQ(connected, 2);
  EXPECT_TRUE(other.Await(d, (*listener)->Accept()).ok());
  other.RunFor(Seconds(2));
  EXPECT_EQ(connected, 3);
}

TEST_F(NetworkTest, ClosingTheListenerResetsWhatNobodyAccepted) {
  auto listener = b.network->Listen(AddressOf(1, 80));
  auto client = world.Await(a, a.network->Connect(AddressOf(1, 80)));
  ASSERT_TRUE(client.ok());
  listener->reset();
  EXPECT_FALSE(world.Await(a, (*client)->Read()).ok());
}

TEST_F(NetworkTest, OperationsMayOutliveTheirHandles) {
  auto [client, server] = world.Join(a, b);
  std::optional<bool> ok;
  auto read = [](Task<absl::StatusOr<Buffer>> task,
                 std::optional<bool>* out) -> Task<absl::Status> {
    const auto bytes = co_await std::move(task);
    *out = bytes.ok();
    co_return absl::OkStatus();
  };
  b.group.Spawn("read", read(server->Read(), &ok));
  world.Run();
  server.reset();
  world.Run();
  EXPECT_EQ(ok, false);
}

TEST_F(NetworkTest, ReadIsCancelSafe) {
  auto [client, server] = world.Join(a, b);
  for (int round = 0; round < 20; ++round) {
    // Destroy the reader after `round` events: before, between and after wake and resumption.
    std::string got;
    {
      TaskGroup group(b.loop, [](std::string_view, absl::Status) {});
      group.Spawn("read", ReadAll(server.get(), &got));
      client->Write(Buffer::Copy("abc"));
      for (int i = 0; i < round % 5; ++i) world.timeline.Step();
    }
    world.Run();
    if (got.empty()) got = world.Await(b, server->Read())->view();
    EXPECT_EQ(got, "abc");
  }
}

TEST_F(NetworkTest, AttemptsMayBeGivenUpAfterEveryEvent) {
  auto listener = b.network->Listen(AddressOf(1, 80));
  world.model.SetName("b", {AddressOf(1)});
  auto connect = [](TestProcess* from) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(const auto found, co_await from->network->Resolve("b", 80));
    CO_ASSIGN_OR_RETURN(auto connection, co_await from->network->Connect(found.front()));
    from->held.push_back(std::move(connection));
    co_return absl::OkStatus();
  };
  auto accept = [](Listener* from, TestProcess* to) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(auto connection, co_await from->Accept());
    to->held.push_back(std::move(connection));
    co_return absl::OkStatus();
  };
  for (int events = 0; events < 20; ++events) {
    TaskGroup clients(a.loop, [](std::string_view, absl::Status) {});
    TaskGroup servers(b.loop, [](std::string_view, absl::Status) {});
    clients.Spawn("connect", connect(&a));
    servers.Spawn("accept", accept(listener->get(), &b));
    for (int i = 0; i < events / 2; ++i) world.timeline.Step();
    (events % 2 == 0 ? clients : servers).Cancel();
    world.Run();
    a.held.clear();
    world.Run();
    if (b.held.empty() && world.model.open_streams() > 0) {
      b.held.push_back(*world.Await(b, (*listener)->Accept()));
    }
    b.held.clear();
    EXPECT_EQ(world.model.open_streams(), 0u) << events;
  }
}

TEST_F(NetworkTest, NamesLagAndFail) {
  NetworkParameters lagging = PlainParameters();
  lagging.name_lag_max = Seconds(10);
  TestWorld other(5, lagging);
  TestProcess& c = other.Add();
  other.model.SetName("db", {AddressOf(1)});
  EXPECT_EQ(other.Await(c, c.network->Resolve("db", 7))->front(), AddressOf(1, 7));
  other.RunFor(Seconds(1));
  other.model.SetName("db", {AddressOf(2), AddressOf(3)});
  EXPECT_EQ(other.Await(c, c.network->Resolve("db", 7))->front(), AddressOf(1, 7));
  other.RunFor(Seconds(10));
  EXPECT_EQ(other.Await(c, c.network->Resolve("db", 7))->size(), 2u);
  EXPECT_EQ(CodeOf(other.Await(c, c.network->Resolve("nobody", 7)).status()),
            ErrorCode::name_not_found);
  EXPECT_EQ(other.Await(c, c.network->Resolve("10.1.2.3", 7))->front(),
            *NetworkAddress::Parse("10.1.2.3:7"));
  EXPECT_EQ(other.Await(c, c.network->Resolve("2001:db8::1", 7))->front(),
            *NetworkAddress::Parse("[2001:db8::1]:7"));
}

// Writes random chunks with pauses, finishing at the end.
Task<absl::Status> WriteRandomly(Clock* clock, Connection* to, uint64_t seed, std::string* sent) {
  Random random(seed);
  for (int i = 0; i < 200; ++i) {
    const size_t size = random.Chance(OneIn(10)) ? random.Below(200'000) : random.Below(300);
    std::string chunk(size, '\0');
    for (char& c : chunk) c = static_cast<char>(random.Next());
    *sent += chunk;
    to->Write(Buffer::Copy(chunk));
    if (random.Chance(OneIn(3))) {
      co_await Sleep(*clock, random.Between(Duration{}, Microseconds(500)));
    }
    if (random.Chance(OneIn(2))) CO_RETURN_IF_ERROR(co_await to->WaitWritable());
  }
  to->FinishWriting();
  co_return absl::OkStatus();
}

struct Outcome {
  uint64_t hash;
  Time end;
};

Outcome Exchange(uint64_t seed) {
  TestWorld world(seed, NetworkParameters::Draw(seed));
  TestProcess& a = world.Add("x");
  TestProcess& b = world.Add("y");
  auto [client, server] = world.Join(a, b);
  std::string sent[2], got[2];
  a.group.Spawn("write", WriteRandomly(&a.loop, client.get(), seed, &sent[0]));
  b.group.Spawn("write", WriteRandomly(&b.loop, server.get(), ~seed, &sent[1]));
  b.group.Spawn("read", ReadAll(server.get(), &got[0]));
  a.group.Spawn("read", ReadAll(client.get(), &got[1]));
  world.Run();
  for (const int i : {0, 1}) EXPECT_TRUE(got[i] == sent[i] + "$") << "seed " << seed;
  return {world.timeline.hash(), world.timeline.Now()};
}

TEST(NetworkModelTest, RandomExchangesArriveWholeAndTheSameTwice) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome once = Exchange(seed);
    const Outcome again = Exchange(seed);
    EXPECT_EQ(once.hash, again.hash) << seed;
    EXPECT_EQ(once.end, again.end);
    EXPECT_NE(once.hash, Exchange(seed + 1000).hash);
  }
}

TEST(LatencyTest, FollowsTheTable) {
  int below_median = 0, beyond_four = 0;
  Duration longest{};
  const int draws = 100'000;
  for (uint64_t i = 0; i < draws; ++i) {
    const Duration d = DrawLatency(Microseconds(100), Milliseconds(50), MixWord(i));
    EXPECT_GE(d, Microseconds(50));
    below_median += d < Microseconds(100);
    beyond_four += d > Microseconds(400);
    longest = std::max(longest, d);
  }
  EXPECT_NEAR(below_median, draws / 2, draws / 50);
  EXPECT_NEAR(beyond_four, draws / 64, draws / 300);
  EXPECT_GT(longest, Milliseconds(10));
  EXPECT_LT(longest, Milliseconds(51));
}

}  // namespace
}  // namespace orrery::sim
