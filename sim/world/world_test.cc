// Goal: processes start, talk, die, come back and are replayed as world.h promises.
// Method: a small world whose processes count their lives in files and send them to each other.
#include "sim/world/world.h"

#include <gtest/gtest.h>

#include "core/async/sleep.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"

namespace orrery::sim {
namespace {

constexpr uint16_t kPort = 4500;

// Adds one to the number in the file "lives", durably, and gives it.
Task<absl::StatusOr<int>> CountLife(Env* env) {
  CO_ASSIGN_OR_RETURN(std::unique_ptr<File> file,
                      co_await env->files().Open("lives", OpenMode::kCreate));
  CO_ASSIGN_OR_RETURN(Buffer old, co_await file->Read(0, 1));
  const int lives = (old.empty() ? 0 : old.data()[0]) + 1;
  const char byte = static_cast<char>(lives);
  CO_RETURN_IF_ERROR(co_await file->WriteDurable(0, Buffer::Copy({&byte, 1})));
  CO_RETURN_IF_ERROR(co_await env->files().SyncDirectory(""));
  co_return lives;
}

// Tells everyone who connects how often it has lived.
Task<absl::Status> Serve(Env* env, NetworkAddress address, int* last_life) {
  CO_ASSIGN_OR_RETURN(const int life, co_await CountLife(env));
  *last_life = life;
  CO_ASSIGN_OR_RETURN(std::unique_ptr<Listener> listener, env->network().Listen(address));
  while (true) {
    CO_ASSIGN_OR_RETURN(std::unique_ptr<Connection> peer, co_await listener->Accept());
    const char byte = static_cast<char>(life);
    peer->Write(Buffer::Copy({&byte, 1}));
    peer->FinishWriting();
    (void)co_await peer->Read();  // Until the peer has gone: its status does not matter.
  }
}

// Asks every 100 ms, and adds up what it hears.
Task<absl::Status> Ask(Env* env, NetworkAddress address, int* heard) {
  while (true) {
    co_await Sleep(env->clock(), Milliseconds(100));
    auto peer = co_await env->network().Connect(address);
    if (!peer.ok()) continue;
    auto bytes = co_await (*peer)->Read();
    if (bytes.ok() && !bytes->empty()) *heard += bytes->data()[0];
    if (heard != nullptr && *heard > 0) PROBE(*env, "world_test.heard");
  }
}

class WorldTest : public testing::Test {
 protected:
  explicit WorldTest(uint64_t seed = 1) { Build(seed); }

  void Build(uint64_t seed, const Schedule* schedule = nullptr) {
    world.reset();
    heard = last_life = 0;
    world = std::make_unique<World>(
        World::Options{.seed = seed, .knobs = &knobs, .schedule = schedule});
    server_machine = &world->AddMachine({.name = "m0", .zone = "z0"});
    Machine& other = world->AddMachine({.name = "m1", .zone = "z1"});
    const NetworkAddress address = server_machine->address(kPort);
    server =
        &world->AddProcess(*server_machine, {.name = "server", .main = [this, address](Env& env) {
                                               return Serve(&env, address, &last_life);
                                             }});
    client = &world->AddProcess(other, {.name = "client", .main = [this, address](Env& env) {
                                          return Ask(&env, address, &heard);
                                        }});
    server->Start();
    client->Start();
  }

  void RunFor(Duration d) { ASSERT_TRUE(world->RunUntil(world->Now() + d)) << Failures(); }
  std::string Failures() {
    std::string out;
    for (const Failure& f : world->failures()) out += f.kind + ": " + f.text + "\n";
    return out;
  }

  KnobSet knobs;
  std::unique_ptr<World> world;
  Machine* server_machine = nullptr;
  Process* server = nullptr;
  Process* client = nullptr;
  int heard = 0;
  int last_life = 0;
};

TEST_F(WorldTest, ProcessesTalk) {
  RunFor(Seconds(10));
  EXPECT_GT(heard, 20);
  EXPECT_EQ(last_life, 1);
}

TEST_F(WorldTest, TimePassesWithoutEvents) {
  server->Kill();
  client->Kill();
  while (world->Step()) {
  }
  const Time before = world->Now();
  RunFor(Seconds(3));
  EXPECT_EQ(world->Now(), before + Seconds(3));
}

TEST_F(WorldTest, KillLosesNothingWrittenAndTheNextLifeServes) {
  RunFor(Seconds(2));
  server->Kill();
  EXPECT_FALSE(server->running());
  const int before = heard;
  RunFor(Seconds(2));
  EXPECT_EQ(heard, before);
  server->Start();
  EXPECT_EQ(server->incarnation(), 2u);
  RunFor(Seconds(5));
  EXPECT_EQ(last_life, 2);
  EXPECT_GT(heard, before);
}

TEST_F(WorldTest, PowerLossKeepsWhatWasSynced) {
  for (int life = 1; life <= 5; ++life) {
    RunFor(Seconds(5));
    EXPECT_EQ(last_life, life);
    server_machine->PowerOff();
    EXPECT_FALSE(server->running());
    RunFor(Seconds(1));
    server_machine->PowerOn();
  }
}

TEST_F(WorldTest, APausedProcessGoesOnLater) {
  RunFor(Seconds(2));
  const int before = heard;
  client->Pause(Seconds(3));
  RunFor(Milliseconds(2999));
  EXPECT_EQ(heard, before);
  RunFor(Seconds(3));
  EXPECT_GT(heard, before);
}

TEST_F(WorldTest, TheSameSeedGivesTheSameHash) {
  RunFor(Seconds(5));
  const uint64_t first = world->timeline().hash();
  Build(1);
  RunFor(Seconds(5));
  EXPECT_EQ(world->timeline().hash(), first);
  Build(2);
  RunFor(Seconds(5));
  EXPECT_NE(world->timeline().hash(), first);
}

TEST_F(WorldTest, AnErrorEventFailsTheRunUnlessInjected) {
  RunFor(Seconds(1));
  if (auto e = client->env().trace().Error("Planted")) e.Add("n", 1).Injected();
  EXPECT_FALSE(world->failed());
  if (auto e = client->env().trace().Error("Planted")) e.Add("n", 7);
  ASSERT_TRUE(world->failed());
  EXPECT_EQ(world->failures()[0].text, "client: Planted n=7");
}

TEST_F(WorldTest, ProbesOfDeadProcessesCount) {
  RunFor(Seconds(5));
  client->Kill();
  uint64_t count = 0;
  const std::vector<uint64_t> counts = world->CollectProbes();
  for (size_t i = 0; i < counts.size(); ++i) {
    if (std::string_view(AllProbeSites()[i].name) == "world_test.heard") count += counts[i];
  }
  EXPECT_GT(count, 0u);
}

TEST_F(WorldTest, ASupervisedProcessThatEndsIsStartedAgain) {
  Process& brief = world->AddProcess(*server_machine,
                                     {.name = "brief", .main = [](Env& env) -> Task<absl::Status> {
                                        co_await Sleep(env.clock(), Milliseconds(10));
                                        co_return Error(ErrorCode::io_error, "planted");
                                      }});
  brief.Start();
  RunFor(Seconds(20));
  EXPECT_GE(brief.incarnation(), 8u);
}

TEST_F(WorldTest, StreamsOfRandomnessDependOnTheIncarnation) {
  RunFor(Seconds(1));
  const uint64_t first = client->env().random("test").Next();
  const uint64_t other = client->env().random("other").Next();
  EXPECT_NE(first, other);
  client->Kill();
  client->Start();
  EXPECT_NE(client->env().random("test").Next(), first);
  Build(1);
  RunFor(Seconds(1));
  EXPECT_EQ(client->env().random("other").Next(), other);
}

}  // namespace
}  // namespace orrery::sim
