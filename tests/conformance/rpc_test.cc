// Goal: core/rpc does the same over the network of every world: calls, deadlines, cancelling, large
// attachments, and peers that die. Method: a server in the other process, which can be killed.
#include <atomic>
#include <vector>

#include "core/async/sleep.h"
#include "core/rpc/client.h"
#include "core/rpc/server.h"
#include "core/rpc/testing/echo.pb.h"
#include "tests/conformance/streams.h"

namespace orrery::conformance {
namespace {

using orrery::testing::EchoReply;
using orrery::testing::EchoRequest;

constexpr Method<EchoRequest, EchoReply> kEcho{1, "echo"};
constexpr Method<EchoRequest, EchoReply> kUnserved{2, "unserved"};

// What the server shows to the test, from its own thread.
struct Shown {
  std::atomic<uint64_t> incarnation{0};
  std::atomic<int> begun{0};
  std::atomic<int> running{0};
};

class Echo {
 public:
  Echo(Env& env, Shown& shown) : env_(env), shown_(shown) {}

  Task<absl::StatusOr<Message<EchoReply>>> Reply(Message<EchoRequest> request, CallInfo) {
    struct Running {
      explicit Running(std::atomic<int>& n) : count(n) { ++count; }
      ~Running() { --count; }
      std::atomic<int>& count;
    } guard(shown_.running);
    ++shown_.begun;
    if (request.header.delay_ms() > 0) {
      co_await Sleep(env_.clock(), Milliseconds(static_cast<int64_t>(request.header.delay_ms())));
    }
    if (request.header.text() == "fail") co_return Error(ErrorCode::not_leader, "ask another");
    Message<EchoReply> reply;
    reply.header.set_text(request.header.text());
    reply.attachment = request.attachment;
    co_return reply;
  }

 private:
  Env& env_;
  Shown& shown_;
};

class RpcTest : public ConformanceTest {
 protected:
  RpcTest() {
    world->DefinePeer([this](Env& env) { return Serve(env, *world, shown); });
  }

  static Task<absl::Status> Serve(Env& env, ConformanceWorld& world, Shown& shown) {
    Echo echo(env, shown);
    const uint64_t incarnation = DrawIncarnation(env);
    RpcServer server(env, {.cluster_id = "c", .process = "peer", .incarnation = incarnation});
    server.Handle<kEcho, &Echo::Reply>(&echo);
    CO_ASSERT_OK(server.Listen(world.peer_address()));
    shown.incarnation = incarnation;
    world.PeerReady();
    co_return co_await WaitForDeath(env);
  }

  static Message<EchoRequest> Ask(std::string text, uint64_t delay_ms = 0, Buffer attachment = {}) {
    Message<EchoRequest> request;
    request.header.set_text(std::move(text));
    request.header.set_delay_ms(delay_ms);
    request.attachment = std::move(attachment);
    return request;
  }

  // Runs `body` against the server, started.
  using Body = Task<absl::Status> (*)(Env&, RpcClient&, ConformanceWorld&, Shown&);
  void RunWithServer(Body body) {
    Run([this, body](Env& env) -> Task<absl::Status> {
      CO_ASSERT_OK(co_await world->StartPeer(env));
      RpcClient client(env, {.cluster_id = "c", .process = "main"});
      co_return co_await body(env, client, *world, shown);
    });
  }

  // Waits until the handler runs, or no more.
  static Task<> UntilRunning(Env& env, Shown& shown, int count) {
    while (shown.running != count) co_await Sleep(env.clock(), Milliseconds(1));
  }

  Shown shown;
};
INSTANTIATE_TEST_SUITE_P(Worlds, RpcTest, ::testing::ValuesIn(NetworkWorlds()), NameOfWorld);

TEST_P(RpcTest, CallsAreAnswered) {
  RunWithServer([](Env&, RpcClient& rpc, ConformanceWorld& world,
                   Shown& shown) -> Task<absl::Status> {
    const Endpoint to(world.peer_address());
    for (int i = 0; i < 20; ++i) {
      const std::string text = std::to_string(i);
      CO_ASSERT_ASSIGN(const auto reply, co_await rpc.Call(to, kEcho, Ask(text), Seconds(30)));
      EXPECT_EQ(reply.header.text(), text);
    }
    EXPECT_EQ(rpc.StateOf(to), PeerState::kConnected);
    const Endpoint life(world.peer_address(), shown.incarnation);
    CO_ASSERT_OK((co_await rpc.Call(life, kEcho, Ask("life"), Seconds(30))).status());
    const absl::Status failed = (co_await rpc.Call(to, kEcho, Ask("fail"), Seconds(30))).status();
    EXPECT_CODE(not_leader, failed);
    EXPECT_EQ(std::string(failed.message()), "ask another");
    EXPECT_CODE(unknown_method, (co_await rpc.Call(to, kUnserved, Ask(""), Seconds(30))).status());
    EXPECT_EQ(shown.begun, 22);
    co_return absl::OkStatus();
  });
}

TEST_P(RpcTest, LargeAttachmentsComeBackWhole) {
  RunWithServer([](Env&, RpcClient& rpc, ConformanceWorld& world, Shown&) -> Task<absl::Status> {
    const std::string sent = Noise(4 << 20);
    for (const size_t size : {size_t{1}, size_t{4097}, size_t{300'000}, sent.size()}) {
      Message<EchoRequest> request = Ask("big", 0, Buffer::Copy(sent).Slice(0, size));
      CO_ASSERT_ASSIGN(const auto reply, co_await rpc.Call(world.peer_address(), kEcho,
                                                           std::move(request), Seconds(60)));
      EXPECT_TRUE(reply.attachment.view() == std::string_view(sent).substr(0, size)) << size;
    }
    co_return absl::OkStatus();
  });
}

Task<absl::Status> CallOnce(RpcClient& rpc, Endpoint to, Message<EchoRequest> request) {
  const std::string text = request.header.text();
  CO_ASSERT_ASSIGN(const auto reply, co_await rpc.Call(to, kEcho, std::move(request), Seconds(60)));
  EXPECT_EQ(reply.header.text(), text);
  co_return absl::OkStatus();
}

TEST_P(RpcTest, ManyCallsAtOnceEachGetTheirOwnAnswer) {
  RunWithServer(
      [](Env& env, RpcClient& rpc, ConformanceWorld& world, Shown& shown) -> Task<absl::Status> {
        TaskGroup group(env.executor(), ExpectNoError);
        for (int i = 0; i < 200; ++i) {
          Buffer attachment;
          if (i % 10 == 0) attachment = Buffer::Copy(Noise(50'000));
          group.Spawn("call", CallOnce(rpc, world.peer_address(),
                                       Ask(std::to_string(i), static_cast<uint64_t>(i % 7),
                                           std::move(attachment))));
        }
        co_await group.Join();
        EXPECT_EQ(shown.begun, 200);
        co_return absl::OkStatus();
      });
}

TEST_P(RpcTest, ADeadlineEndsTheCallAndTheHandler) {
  RunWithServer(
      [](Env& env, RpcClient& rpc, ConformanceWorld& world, Shown& shown) -> Task<absl::Status> {
        const Endpoint to(world.peer_address());
        CO_ASSERT_OK((co_await rpc.Call(to, kEcho, Ask("warm"), Seconds(30))).status());
        const Time start = env.clock().Now();
        const absl::Status late =
            (co_await rpc.Call(to, kEcho, Ask("slow", 3'600'000), Milliseconds(60))).status();
        EXPECT_CODE(timed_out, late);
        EXPECT_GE(env.clock().Now(), start + Milliseconds(60));
        co_await UntilRunning(env, shown, 0);
        CO_ASSERT_OK((co_await rpc.Call(to, kEcho, Ask("next"), Seconds(30))).status());
        co_return absl::OkStatus();
      });
}

TEST_P(RpcTest, ACallGivenUpEndsTheHandler) {
  RunWithServer(
      [](Env& env, RpcClient& rpc, ConformanceWorld& world, Shown& shown) -> Task<absl::Status> {
        TaskGroup group(env.executor(), ExpectNoError);
        group.Spawn("call", CallOnce(rpc, world.peer_address(), Ask("slow", 3'600'000)));
        co_await UntilRunning(env, shown, 1);
        group.Cancel();
        co_await UntilRunning(env, shown, 0);
        CO_ASSERT_OK(co_await CallOnce(rpc, world.peer_address(), Ask("next")));
        co_return absl::OkStatus();
      });
}

Task<absl::StatusOr<PeerState>> Watch(RpcClient& rpc, Endpoint to) {
  co_return co_await rpc.WaitForFailure(to);
}

TEST_P(RpcTest, AServerThatDiesFailsItsCallsAndIsSeen) {
  RunWithServer([](Env& env, RpcClient& rpc, ConformanceWorld& world,
                   Shown& shown) -> Task<absl::Status> {
    const Endpoint to(world.peer_address());
    CO_ASSERT_OK(co_await CallOnce(rpc, to, Ask("warm")));
    TaskGroup group(env.executor(), ExpectNoError);
    auto watch = group.Start("watch", Watch(rpc, to));
    auto call = group.Start("call", rpc.Call(to, kEcho, Ask("slow", 3'600'000), Seconds(3'600)));
    co_await UntilRunning(env, shown, 1);
    EXPECT_FALSE(watch.ready());
    co_await world.KillPeer(env);
    EXPECT_CODE(connection_failed, (co_await std::move(call)).status());
    CO_ASSERT_ASSIGN(const PeerState state, co_await std::move(watch));
    EXPECT_TRUE(state == PeerState::kClosed || state == PeerState::kUnreachable)
        << PeerStateName(state);
    EXPECT_CODE(connection_failed, (co_await rpc.Call(to, kEcho, Ask(""), Seconds(30))).status());
    co_return absl::OkStatus();
  });
}

TEST_P(RpcTest, TheNextLifeIsFoundAndTheOldOneIsStale) {
  RunWithServer([](Env& env, RpcClient& rpc, ConformanceWorld& world,
                   Shown& shown) -> Task<absl::Status> {
    const Endpoint any(world.peer_address());
    const Endpoint first(world.peer_address(), shown.incarnation);
    CO_ASSERT_OK(co_await CallOnce(rpc, first, Ask("first")));
    co_await world.KillPeer(env);
    CO_ASSERT_OK(co_await world.StartPeer(env));
    absl::Status next = Error(ErrorCode::connection_failed);
    while (!next.ok()) {  // The client may still believe that nobody is there.
      next = (co_await rpc.Call(any, kEcho, Ask("again"), Seconds(30))).status();
      if (next.ok()) break;
      EXPECT_CODE(connection_failed, next);
      co_await Sleep(env.clock(), Milliseconds(20));
    }
    const int begun = shown.begun;
    EXPECT_CODE(stale_endpoint, (co_await rpc.Call(first, kEcho, Ask(""), Seconds(30))).status());
    EXPECT_EQ(shown.begun, begun);
    CO_ASSERT_ASSIGN(const PeerState state, co_await Watch(rpc, first));
    EXPECT_EQ(state, PeerState::kClosed);
    co_return absl::OkStatus();
  });
}

// An idle connection is kept alive by heartbeats, not taken for dead.
TEST_P(RpcTest, HeartbeatsKeepAnIdlePeerKnown) {
  RunWithServer(
      [](Env& env, RpcClient& rpc, ConformanceWorld& world, Shown&) -> Task<absl::Status> {
        const Endpoint to(world.peer_address());
        TaskGroup group(env.executor(), ExpectNoError);
        auto watch = group.Start("watch", Watch(rpc, to));
        CO_ASSERT_OK(co_await CallOnce(rpc, to, Ask("warm")));
        co_await Sleep(env.clock(), Milliseconds(1'200));  // More than two intervals of heartbeats.
        EXPECT_FALSE(watch.ready());
        EXPECT_EQ(rpc.StateOf(to), PeerState::kConnected);
        co_return absl::OkStatus();
      });
}

TEST_P(RpcTest, NobodyThereIsSaidAtOnce) {
  Run([this](Env& env) -> Task<absl::Status> {
    RpcClient rpc(env, {.cluster_id = "c", .process = "main"});
    EXPECT_CODE(
        connection_failed,
        (co_await rpc.Call(world->peer_address(), kEcho, Ask(""), Seconds(3'600))).status());
    co_return absl::OkStatus();
  });
}

}  // namespace
}  // namespace orrery::conformance
