// Goal: the loop runs tasks, timers and turn ends as clock.h and executor.h promise, ends when
// told, and several loops live side by side. Method: real Envs, real time, no waiting by guess.
#include <thread>
#include <vector>

#include "core/real/testing/real_test.h"

namespace orrery::real {
namespace {

using LoopTest = RealTest;

TEST_F(LoopTest, GivesTheStatusOfMain) {
  EXPECT_TRUE(Run([](Env&) -> Task<absl::Status> { co_return absl::OkStatus(); }).ok());
  EXPECT_EQ(CodeOf(Run([](Env&) -> Task<absl::Status> {
              co_await Yield();
              co_return Error(ErrorCode::not_leader);
            })),
            ErrorCode::not_leader);
}

TEST_F(LoopTest, SleepsAtLeastAsLongAsAsked) {
  EXPECT_TRUE(Run([](Env& env) -> Task<absl::Status> {
                for (const Duration d : {Duration::zero(), Microseconds(300), Milliseconds(5)}) {
                  const Time begin = env.clock().Now();
                  co_await Sleep(env.clock(), d);
                  EXPECT_GE(env.clock().Now() - begin, d);
                }
                co_return absl::OkStatus();
              }).ok());
}

Task<absl::Status> SleepThenNote(Clock& clock, int ms, std::vector<int>& order) {
  co_await Sleep(clock, Milliseconds(ms));
  order.push_back(ms);
  co_return absl::OkStatus();
}

TEST_F(LoopTest, FiresTimersInOrderAndForgetsDestroyedOnes) {
  std::vector<int> order;
  EXPECT_TRUE(Run([&order](Env& env) -> Task<absl::Status> {
                TaskGroup group(env.executor(), [](std::string_view, absl::Status) {});
                TaskGroup doomed(env.executor(), [](std::string_view, absl::Status) {});
                for (const int ms : {9, 3, 6, 1}) {
                  group.Spawn("sleeper", SleepThenNote(env.clock(), ms, order));
                  doomed.Spawn("doomed", SleepThenNote(env.clock(), ms + 1, order));
                }
                co_await Yield();
                doomed.Cancel();
                co_await group.Join();
                co_return absl::OkStatus();
              }).ok());
  EXPECT_EQ(order, (std::vector<int>{1, 3, 6, 9}));
}

struct Noting : ReadyNode {
  Noting(std::vector<std::string>& l, std::string w) : log(l), what(std::move(w)) {
    run = [](ReadyNode* node) {
      auto* self = static_cast<Noting*>(node);
      self->log.push_back(self->what);
    };
  }
  std::vector<std::string>& log;
  const std::string what;
};

TEST_F(LoopTest, TurnEndComesAfterReadyNodesAndCanBeLeft) {
  std::vector<std::string> log;
  EXPECT_TRUE(Run([&log](Env& env) -> Task<absl::Status> {
                Noting end(log, "turn end");
                Noting ready(log, "ready");
                env.executor().AtTurnEnd(end);
                env.executor().Post(ready);
                {
                  Noting never(log, "destroyed at turn end");
                  Noting nor(log, "destroyed when ready");
                  env.executor().AtTurnEnd(never);
                  env.executor().Post(nor);
                }
                co_await Sleep(env.clock(), Duration::zero());  // Past this turn's end.
                co_return absl::OkStatus();
              }).ok());
  EXPECT_EQ(log, (std::vector<std::string>{"ready", "turn end"}));
}

TEST_F(LoopTest, StopFromAnotherThreadDestroysTheTasks) {
  auto env = RealEnv::Create(Options());
  ASSERT_TRUE(env.ok()) << Describe(env.status());
  struct Flag {
    bool* set;
    ~Flag() { *set = true; }
  };
  bool destroyed = false;
  std::thread stopper;
  const absl::Status status =
      (*env)->Run([&, loop = env->get()](Env& inside) -> Task<absl::Status> {
        const Flag flag{&destroyed};
        stopper = std::thread([loop] { loop->Stop(); });
        co_await Sleep(inside.clock(), Seconds(3600));
        co_return Error(ErrorCode::internal_error);
      });
  stopper.join();
  EXPECT_TRUE(status.ok()) << Describe(status);
  EXPECT_TRUE(destroyed);
  // And the Env runs again.
  EXPECT_TRUE((*env)->Run([](Env&) -> Task<absl::Status> { co_return absl::OkStatus(); }).ok());
}

TEST_F(LoopTest, LoopsOfOneProcessTalkAcrossThreads) {
  auto server = RealEnv::Create(Options());
  auto client = RealEnv::Create(Options());
  ASSERT_TRUE(server.ok() && client.ok());
  auto listener = (*server)->env().network().Listen(kAnyPort);
  ASSERT_TRUE(listener.ok()) << Describe(listener.status());
  const NetworkAddress address = (*listener)->local_address();
  std::thread echo([&] {
    EXPECT_TRUE((*server)
                    ->Run([&listener](Env& env) -> Task<absl::Status> {
                      CO_ASSIGN_OR_RETURN(auto connection, co_await (*listener)->Accept());
                      while (true) {
                        CO_ASSIGN_OR_RETURN(Buffer bytes, co_await connection->Read());
                        if (bytes.empty()) break;
                        connection->Write(std::move(bytes));
                      }
                      connection->FinishWriting();
                      co_await Sleep(env.clock(), Duration::zero());  // Past the turn's end.
                      co_return absl::OkStatus();
                    })
                    .ok());
  });
  EXPECT_TRUE((*client)
                  ->Run([address](Env& env) -> Task<absl::Status> {
                    CO_ASSIGN_OR_RETURN(auto connection, co_await env.network().Connect(address));
                    for (int i = 0; i < 1000; ++i) {
                      connection->Write(Buffer::Copy("ping"));
                      CO_ASSIGN_OR_RETURN(const std::string pong,
                                          co_await ReadBytes(*connection, 4));
                      EXPECT_EQ(pong, "ping");
                    }
                    connection->FinishWriting();
                    CO_ASSIGN_OR_RETURN(const Buffer end, co_await connection->Read());
                    EXPECT_TRUE(end.empty());
                    co_return absl::OkStatus();
                  })
                  .ok());
  echo.join();
}

TEST_F(LoopTest, StreamsOfRandomnessAreByPurposeAndSeed) {
  RealOptions options = Options();
  options.seed = 7;
  std::vector<uint64_t> draws;
  for (int i = 0; i < 2; ++i) {
    auto env = RealEnv::Create(options);
    ASSERT_TRUE(env.ok());
    draws.push_back((*env)->env().random("one").Next());
    draws.push_back((*env)->env().random("two").Next());
  }
  EXPECT_EQ(draws[0], draws[2]);
  EXPECT_EQ(draws[1], draws[3]);
  EXPECT_NE(draws[0], draws[1]);
}

}  // namespace
}  // namespace orrery::real
