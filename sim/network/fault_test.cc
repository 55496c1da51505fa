// Goal: every fault of the simulated network does what faults.h says, and ends.
// Method: two or three processes on one timeline; one fault at a time, then all at random, then a
// kill after every number of events.
#include <gtest/gtest.h>

#include <string>

#include "core/base/random.h"
#include "sim/network/test_world.h"

namespace orrery::sim {
namespace {

using Kind = NetworkFaultKind;

constexpr HostId kA{0};
constexpr HostId kB{1};
constexpr HostId kC{2};

class FaultTest : public testing::Test {
 protected:
  FaultTest() { Connect(); }

  void Connect() {
    auto ends = world.Join(a, b);
    client = std::move(ends.first);
    server = std::move(ends.second);
    b.group.Spawn("read", ReadAll(server.get(), &at_server));
    a.group.Spawn("read", ReadAll(client.get(), &at_client));
    world.Run();
  }
  // How long `text` takes from client to server.
  Duration Send(const std::string& text) {
    const Time begin = world.timeline.Now();
    const size_t before = at_server.size();
    client->Write(Buffer::Copy(text));
    world.RunUntil([&] { return at_server.size() >= before + text.size(); });
    return world.timeline.Now() - begin;
  }
  uint64_t Effects(Kind kind) { return world.model.effects().of(kind); }

  TestWorld world{1};
  TestProcess& a = world.Add();
  TestProcess& b = world.Add();
  TestProcess& c = world.Add();
  ConnectionPtr client, server;
  std::string at_server, at_client;
};

TEST_F(FaultTest, LatencyAddsDelayUntilItEnds) {
  EXPECT_LT(Send("x"), Milliseconds(1));
  const FaultId fault =
      world.model.Begin({.kind = Kind::kLatency, .from = {kA}, .to = {}, .delay = Seconds(1)});
  EXPECT_GT(Send("x"), Seconds(1));
  EXPECT_EQ(Effects(Kind::kLatency), 1u);
  EXPECT_EQ(world.model.faults().size(), 1u);
  world.model.End(fault);
  EXPECT_LT(Send("x"), Milliseconds(1));
  EXPECT_TRUE(world.model.faults().empty());
}

TEST_F(FaultTest, BandwidthIsSharedByWhatIsSent) {
  world.model.Begin({.kind = Kind::kBandwidth, .from = {kA}, .to = {kB}, .bytes_per_second = 1000});
  EXPECT_GT(Send(std::string(1000, 'x')), Seconds(1));
  client->Write(Buffer::Copy(std::string(1000, 'x')));
  world.RunFor(Milliseconds(1));
  client->Write(Buffer::Copy(std::string(1000, 'x')));
  world.RunFor(Milliseconds(1500));
  EXPECT_EQ(at_server.size(), 2000u);
  world.RunFor(Milliseconds(600));
  EXPECT_EQ(at_server.size(), 3000u);
  EXPECT_EQ(Effects(Kind::kBandwidth), 3u);
}

TEST_F(FaultTest, NothingWaitsOnForBandwidthThatIsBack) {
  const FaultId fault = world.model.Begin(
      {.kind = Kind::kBandwidth, .from = {kA}, .to = {kB}, .bytes_per_second = 10});
  for (const char* text : {"one ", "two ", "three"}) {
    client->Write(Buffer::Copy(text + std::string(1000, '.')));
    world.RunFor(Milliseconds(5));
  }
  EXPECT_EQ(at_server, "");
  world.model.End(fault);
  world.RunFor(Milliseconds(5));
  ASSERT_EQ(at_server.size(), 3013u);
  EXPECT_LT(at_server.find("one "), at_server.find("two "));
  EXPECT_LT(at_server.find("two "), at_server.find("three"));
  EXPECT_LT(Send("x"), Milliseconds(1));
}

TEST_F(FaultTest, ClogHoldsBytesInOrderAndBreaksNothing) {
  world.model.Begin({.kind = Kind::kClog, .from = {kA}, .to = {kB}, .both_directions = false},
                    world.timeline.Now() + Seconds(300));
  EXPECT_TRUE(world.model.IsBlocked(kA, kB));
  EXPECT_FALSE(world.model.IsBlocked(kB, kA));
  for (const char* text : {"one ", "two ", "three"}) {
    client->Write(Buffer::Copy(text));
    world.RunFor(Milliseconds(5));
  }
  server->Write(Buffer::Copy("other way"));
  world.RunFor(Seconds(290));
  EXPECT_EQ(at_server, "");
  EXPECT_EQ(at_client, "other way");
  world.Run();
  EXPECT_EQ(at_server, "one two three");
  EXPECT_EQ(Effects(Kind::kClog), 1u);
  EXPECT_FALSE(world.model.IsBlocked(kA, kB));
}

TEST_F(FaultTest, OverlappingClogsOpenWhenBothHaveEnded) {
  const FaultId pair = world.model.Begin({.kind = Kind::kClog, .from = {kA}, .to = {kB}});
  const FaultId node = world.model.Begin({.kind = Kind::kClog, .from = {kB}, .to = {}});
  EXPECT_TRUE(world.model.IsBlocked(kC, kB));
  EXPECT_FALSE(world.model.IsBlocked(kA, kC));
  client->Write(Buffer::Copy("x"));
  world.RunFor(Seconds(1));
  world.model.End(pair);
  world.RunFor(Seconds(5));
  EXPECT_EQ(at_server, "");
  world.model.End(node);
  world.model.End(node);
  world.Run();
  EXPECT_EQ(at_server, "x");
}

TEST_F(FaultTest, PartitionDelaysThenBreaksTheSenderAlone) {
  const NetworkFault partition{.kind = Kind::kPartition, .from = {kA}, .to = {kB, kC}};
  world.model.Begin(partition, world.timeline.Now() + Seconds(1));
  EXPECT_GT(Send("survives"), Milliseconds(999));
  world.RunFor(Seconds(100));
  EXPECT_EQ(at_client, "");
  world.model.Begin(partition);
  client->Write(Buffer::Copy("lost"));
  world.RunFor(Seconds(40));
  EXPECT_EQ(at_client, "!");
  EXPECT_EQ(at_server, "survives");
  EXPECT_EQ(world.model.effects().streams_timed_out, 1u);
  world.model.HealAll();
  world.RunFor(Seconds(40));
  EXPECT_EQ(at_server, "survives");  // Nothing tells the reader, until it writes.
  server->Write(Buffer::Copy("ping"));
  world.Run();
  EXPECT_EQ(at_server, "survives!");
}

TEST_F(FaultTest, OneWayPartitionLetsTheOtherWayThrough) {
  world.model.Begin({.kind = Kind::kPartition, .from = {kB}, .to = {kA}, .both_directions = false});
  EXPECT_LT(Send("x"), Milliseconds(1));
  server->Write(Buffer::Copy("y"));
  world.RunFor(Seconds(1));
  EXPECT_EQ(at_client, "");
  world.model.HealAll();
  world.Run();
  EXPECT_EQ(at_client, "y");
}

TEST_F(FaultTest, ConnectWaitsForTheEndOfAPartition) {
  auto listener = b.network->Listen(AddressOf(1, 80));
  world.model.Begin({.kind = Kind::kPartition, .from = {kA}, .to = {kB}},
                    world.timeline.Now() + Seconds(5));
  const Time begin = world.timeline.Now();
  EXPECT_TRUE(world.Await(a, a.network->Connect(AddressOf(1, 80))).ok());
  EXPECT_GT(world.timeline.Now() - begin, Seconds(5));
  world.model.Begin({.kind = Kind::kPartition, .from = {kA}, .to = {kB}});
  EXPECT_FALSE(world.Await(a, a.network->Connect(AddressOf(1, 80))).ok());
}

TEST_F(FaultTest, ConnectsAreRefusedOrHang) {
  auto listener = b.network->Listen(AddressOf(1, 80));
  const FaultId refuse = world.model.Begin({.kind = Kind::kRefuseConnect, .from = {}, .to = {kB}});
  EXPECT_FALSE(world.Await(a, a.network->Connect(AddressOf(1, 80))).ok());
  EXPECT_EQ(Effects(Kind::kRefuseConnect), 1u);
  world.model.End(refuse);
  const Time begin = world.timeline.Now();
  world.model.Begin({.kind = Kind::kHangConnect, .from = {kA}, .to = {kB}}, begin + Seconds(3));
  EXPECT_TRUE(world.Await(a, a.network->Connect(AddressOf(1, 80))).ok());
  EXPECT_GT(world.timeline.Now() - begin, Seconds(3));
  EXPECT_EQ(Effects(Kind::kHangConnect), 1u);
  EXPECT_LT(Send("established streams go on"), Milliseconds(1));
}

TEST_F(FaultTest, SlowPeerHasASmallWindow) {
  world.model.Begin({.kind = Kind::kSlowPeer,
                     .from = {},
                     .to = {kB},
                     .delay = Milliseconds(10),
                     .window_bytes = 1000});
  EXPECT_GT(Send(std::string(10'000, 'x')), Milliseconds(100));
  server->Write(Buffer::Copy("not slowed"));
  const Time begin = world.timeline.Now();
  world.RunUntil([&] { return !at_client.empty(); });
  EXPECT_LT(world.timeline.Now() - begin, Milliseconds(1));
  client->Write(Buffer::Copy(std::string(10'000, 'y')));
  world.RunFor(Milliseconds(15));
  world.model.HealAll();
  world.Run();
  EXPECT_EQ(at_server.size(), 20'000u);
}

TEST_F(FaultTest, ResetCutsADelivery) {
  world.model.Begin({.kind = Kind::kReset, .from = {kA}, .to = {kB}});
  const std::string text(1000, 'x');
  client->Write(Buffer::Copy(text.substr(0, 500)));
  client->Write(Buffer::Copy(text.substr(500)));
  world.Run();
  EXPECT_EQ(at_client, "!");
  EXPECT_LT(at_server.size(), 1001u);
  EXPECT_EQ(at_server, text.substr(0, at_server.size() - 1) + "!");
  EXPECT_EQ(Effects(Kind::kReset), 1u);
  EXPECT_TRUE(world.model.faults().empty());
}

TEST_F(FaultTest, BitFlipInvertsOneBitOfTheReadersCopy) {
  world.model.Begin({.kind = Kind::kBitFlip, .from = {kA}, .to = {kB}, .count = 2});
  const Buffer sent = Buffer::Copy(std::string(1000, 'x'));
  for (int i = 0; i < 3; ++i) {
    client->Write(sent);
    world.Run();
  }
  EXPECT_EQ(sent.view(), std::string(1000, 'x'));
  ASSERT_EQ(at_server.size(), 3000u);
  int bits[3] = {0, 0, 0};
  for (size_t i = 0; i < 3000; ++i)
    bits[i / 1000] += __builtin_popcount(static_cast<uint8_t>(at_server[i] ^ 'x'));
  EXPECT_EQ(bits[0], 1);
  EXPECT_EQ(bits[1], 1);
  EXPECT_EQ(bits[2], 0);
  EXPECT_EQ(Effects(Kind::kBitFlip), 2u);
}

TEST_F(FaultTest, HalfOpenTellsOneSideOnly) {
  world.model.Begin({.kind = Kind::kHalfOpen, .from = {kA}, .to = {kB}});
  world.RunFor(Seconds(100));
  EXPECT_EQ(at_client, "!");
  EXPECT_EQ(at_server, "");
  server->Write(Buffer::Copy("x"));  // A reset answers, or in the end patience.
  world.RunFor(Seconds(40));
  EXPECT_EQ(at_server, "!");
}

TEST_F(FaultTest, NamesAreStaleOrFail) {
  world.model.SetName("db", {AddressOf(1)});
  const FaultId stale = world.model.Begin({.kind = Kind::kNamesStale, .from = {kA}});
  world.RunFor(Seconds(1));
  world.model.SetName("db", {AddressOf(2)});
  EXPECT_EQ(world.Await(a, a.network->Resolve("db", 1))->front(), AddressOf(1, 1));
  EXPECT_EQ(world.Await(b, b.network->Resolve("db", 1))->front(), AddressOf(2, 1));
  EXPECT_EQ(Effects(Kind::kNamesStale), 1u);
  world.model.End(stale);
  EXPECT_EQ(world.Await(a, a.network->Resolve("db", 1))->front(), AddressOf(2, 1));
  world.model.Begin({.kind = Kind::kNamesFail, .from = {kA}});
  EXPECT_FALSE(world.Await(a, a.network->Resolve("db", 1)).ok());
  EXPECT_TRUE(world.Await(b, b.network->Resolve("db", 1)).ok());
}

TEST_F(FaultTest, KilledProcessResetsAfterWhatHadLeft) {
  server->Write(Buffer::Copy("left"));
  world.RunFor(Microseconds(1));
  b.loop.Fence();
  b.network->Fence();
  EXPECT_EQ(at_client, "");
  world.Run();
  EXPECT_EQ(at_client, "left!");
  EXPECT_FALSE(world.Await(a, a.network->Connect(AddressOf(1, 80))).ok());  // Refused.
}

TEST_F(FaultTest, PowerLossIsSilentUntilTheHostIsBack) {
  b.loop.Fence();
  world.model.PowerOff(kB);
  b.Kill();
  world.RunFor(Seconds(100));
  EXPECT_EQ(at_client, "");
  client->Write(Buffer::Copy("x"));
  world.RunFor(Seconds(1));
  EXPECT_EQ(at_client, "");
  world.model.PowerOn(kB);
  world.Run();
  EXPECT_EQ(at_client, "!");  // The new kernel knows no such stream.
  TestProcess& next = world.Restart(1);
  auto [again, accepted] = world.Join(a, next);
  again->Write(Buffer::Copy("y"));
  EXPECT_EQ(world.Await(next, accepted->Read())->view(), "y");
}

// Without bytes under way, a sender that waits for room would never hear of it.
TEST_F(FaultTest, SenderThatWaitsForRoomLosesPatience) {
  for (const bool power : {false, true}) {
    auto [sender, receiver] = world.Join(a, b);
    sender->Write(Buffer::Copy(std::string(2 * world.model.parameters().window_bytes, 'x')));
    world.RunFor(Seconds(1));
    if (power) {
      b.loop.Fence();
      world.model.PowerOff(kB);
    } else {
      world.model.Begin({.kind = Kind::kPartition, .from = {kA}, .to = {kB}});
      EXPECT_TRUE(world.Await(b, receiver->Read()).ok());
    }
    EXPECT_FALSE(world.Await(a, sender->WaitWritable()).ok());
    world.model.HealAll();
  }
}

TEST_F(FaultTest, HeldProcessGetsItsBytesLate) {
  b.loop.HoldUntil(world.timeline.Now() + Seconds(7));
  EXPECT_GE(Send("x"), Seconds(7));
}

// When each of 50 pieces from a to c arrives.
std::vector<Time> Arrivals(bool with_fault) {
  TestWorld world(7, NetworkParameters{});
  TestProcess& a = world.Add();
  TestProcess& b = world.Add();
  TestProcess& c = world.Add();
  auto near = world.Join(a, b);
  auto far = world.Join(a, c);
  if (with_fault) {
    world.model.Begin({.kind = Kind::kLatency, .from = {kA}, .to = {kB}, .delay = Milliseconds(3)});
    world.model.Begin({.kind = Kind::kBitFlip, .from = {kA}, .to = {kB}, .count = 9});
  }
  std::string at_b, at_c;
  b.group.Spawn("read", ReadAll(near.second.get(), &at_b));
  c.group.Spawn("read", ReadAll(far.second.get(), &at_c));
  std::vector<Time> times;
  for (size_t i = 0; i < 50; ++i) {
    near.first->Write(Buffer::Copy("n"));
    far.first->Write(Buffer::Copy("f"));
    world.RunFor(Milliseconds(50));
    EXPECT_EQ(at_c.size(), i + 1);
    far.first->Write(Buffer::Copy("f"));
    world.RunUntil([&] { return at_c.size() == i + 2; });
    times.push_back(world.timeline.Now());
    at_c.pop_back();
  }
  return times;
}

TEST(FaultIndependenceTest, AFaultElsewhereShiftsNothing) {
  EXPECT_EQ(Arrivals(false), Arrivals(true));
}

// How long ten answers from b to a take.
std::vector<Duration> Answers(bool with_flips) {
  TestWorld world(8);
  TestProcess& a = world.Add();
  TestProcess& b = world.Add();
  auto [client, server] = world.Join(a, b);
  if (with_flips)
    world.model.Begin(
        {.kind = Kind::kBitFlip, .from = {kA}, .both_directions = false, .count = 10});
  std::vector<Duration> times;
  for (int i = 0; i < 10; ++i) {
    client->Write(Buffer::Copy("question"));
    EXPECT_EQ(world.Await(b, server->Read())->view() == "question", !with_flips);
    const Time begin = world.timeline.Now();
    server->Write(Buffer::Copy("answer"));
    EXPECT_TRUE(world.Await(a, client->Read()).ok());
    times.push_back(world.timeline.Now() - begin);
  }
  return times;
}

TEST(FaultIndependenceTest, AFlippedBitShiftsNoLatencyOfItsStream) {
  EXPECT_EQ(Answers(false), Answers(true));
}

// Traffic among three processes that connect again whenever a stream breaks; what arrives must be
// a prefix of what was sent on that stream, unless bits were flipped.
class Storm {
 public:
  explicit Storm(uint64_t seed, bool flips)
      : random_(seed), flips_(flips), world(seed, NetworkParameters::Draw(seed)) {
    for (int i = 0; i < 3; ++i) Start(world.Add(i == 0 ? "x" : "y"));
  }

  void Start(TestProcess& process) {
    auto listener = process.network->Listen(AddressOf(world.IndexOf(process), 80));
    if (!listener.ok()) return;
    process.listener = *std::move(listener);
    process.group.Spawn("serve", Serve(&process));
    const uint32_t next = (world.IndexOf(process) + 1) % 3;
    process.group.Spawn("send", SendForever(&process, next));
  }

  void BreakSomething() {
    const HostId from{static_cast<uint32_t>(random_.Below(3))};
    const HostId to{static_cast<uint32_t>(random_.Below(3))};
    NetworkFault fault;
    fault.kind = static_cast<Kind>(random_.Below(kNetworkFaultKinds));
    if (fault.kind == Kind::kBitFlip && !flips_) return;
    fault.from = {from};
    if (random_.Chance(OneIn(2))) fault.to = {to};
    fault.both_directions = random_.Chance(OneIn(2));
    fault.delay = random_.Between(Duration{}, Milliseconds(500));
    fault.bytes_per_second = 1000 + random_.Below(100'000);
    fault.window_bytes = 1 + static_cast<uint32_t>(random_.Below(5000));
    world.model.Begin(fault, world.timeline.Now() + random_.Between(Duration{}, Seconds(40)));
  }

  void KillAndRestart(size_t victim, bool power) {
    const HostId host{static_cast<uint32_t>(victim)};
    world.processes[victim]->loop.Fence();
    if (power) world.model.PowerOff(host);
    world.processes[victim]->Kill();
    Start(world.Restart(victim));
    if (power) world.model.PowerOn(host);
  }

  void Calm() {
    world.model.HealAll();
    world.RunFor(Seconds(100));
    const uint64_t before = received_;
    world.RunFor(Seconds(5));
    EXPECT_GT(received_, before) << "traffic did not come back";
  }

  static char ByteAt(uint64_t offset) { return static_cast<char>(MixWord(offset)); }

  Task<absl::Status> SendForever(TestProcess* process, uint32_t target) {
    while (true) {
      auto connection = co_await process->network->Connect(AddressOf(target, 80));
      uint64_t sent = 0;
      while (connection.ok()) {
        std::string chunk(1 + MixWord(sent) % 3000, '\0');
        for (char& c : chunk) c = ByteAt(sent++);
        (*connection)->Write(Buffer::Copy(chunk));
        co_await Sleep(process->loop, Milliseconds(20));
        if (!(co_await (*connection)->WaitWritable()).ok()) break;
      }
      co_await Sleep(process->loop, Milliseconds(50));
    }
  }

  Task<absl::Status> Serve(TestProcess* process) {
    while (true) {
      auto connection = co_await process->listener->Accept();
      if (!connection.ok()) co_return absl::OkStatus();
      process->group.Spawn("receive", Receive(*std::move(connection)));
    }
  }

  Task<absl::Status> Receive(ConnectionPtr connection) {
    uint64_t offset = 0;
    while (true) {
      const auto bytes = co_await connection->Read();
      if (!bytes.ok() || bytes->empty()) co_return absl::OkStatus();
      for (const char c : bytes->view()) wrong_ += c != ByteAt(offset++);
      received_ += bytes->size();
    }
  }

  Random random_;
  const bool flips_;
  uint64_t received_ = 0;
  uint64_t wrong_ = 0;
  TestWorld world;
};

TEST(StormTest, StreamsKeepOrderUnderEverythingAndComeBack) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    Storm storm(seed, seed % 4 == 0);
    for (int i = 0; i < 60; ++i) {
      storm.world.RunFor(storm.random_.Between(Duration{}, Seconds(2)));
      storm.BreakSomething();
      if (storm.random_.Chance(OneIn(10))) {
        storm.KillAndRestart(storm.random_.Below(3), storm.random_.Chance(OneIn(2)));
      }
    }
    storm.Calm();
    EXPECT_EQ(storm.wrong_, storm.world.model.effects().of(Kind::kBitFlip)) << seed;
    EXPECT_GT(storm.received_, 0u);
  }
}

TEST(StormTest, SameSeedSameHash) {
  uint64_t hashes[2];
  for (uint64_t& hash : hashes) {
    Storm storm(99, true);
    for (int i = 0; i < 20; ++i) {
      storm.BreakSomething();
      storm.world.RunFor(Milliseconds(300));
    }
    hash = storm.world.timeline.hash();
  }
  EXPECT_EQ(hashes[0], hashes[1]);
}

TEST(StormTest, AProcessMayDieAfterEveryEvent) {
  for (int events = 0; events < 300; ++events) {
    Storm storm(5, true);
    for (int i = 0; i < 3; ++i) storm.BreakSomething();
    for (int i = 0; i < events; ++i) storm.world.timeline.Step();
    storm.KillAndRestart(events % 3, events % 2 == 0);
    storm.world.RunFor(Milliseconds(50));
    if (events % 50 == 0) storm.Calm();
  }
}

}  // namespace
}  // namespace orrery::sim
