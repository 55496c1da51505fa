// Goal: a read version is at least everything acknowledged before it was asked for, by whichever
// generation; and a GRV proxy answers as long as logs in k zones run, whatever the others do.
// Method: a real GRV proxy in a simulated world, with a sequencer and logs whose answers the test
// decides; in the sweep a later generation locks logs at random moments and commits beyond what the
// proxy's sequencer knows, and every answer is compared with what was acknowledged before its
// question.
#include "txn/proxy/grv_proxy.h"

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/base/version.h"
#include "core/rpc/endpoint_message.h"
#include "gtest/gtest.h"
#include "sim/world/world.h"
#include "storage/log/log_methods.h"
#include "txn/proxy/grv_proxy_knobs.h"
#include "txn/proxy/grv_proxy_state.h"
#include "txn/proxy/proxy_methods.h"
#include "txn/sequencer/sequencer_methods.h"
#include "txn/sequencer/testing/role_host.h"

namespace orrery {
namespace {

using sim::Process;
using sim::World;
using testing_roles::AddRole;
using testing_roles::EndpointOf;

// A log as the proxy sees it. What it does is set by the test, between events.
struct FakeLog {
  bool locked = false;
  bool silent = false;
  Duration slow_max{};  // Its answers are on their way for up to this.
  uint64_t confirmed = 0;

  Task<absl::Status> Run(RoleContext context) {
    Promise<absl::Status> never;
    const HandlersUntilEnd handlers(context.server, context.token);
    context.server.Handle(
        kConfirmRunning,
        [this, env = &context.env](Message<ConfirmRequest>, CallInfo) { return Confirm(env); },
        context.token);
    co_return co_await never.future();
  }

  Task<absl::StatusOr<Message<ConfirmReply>>> Confirm(Env* env) {
    while (silent) co_await Sleep(env->clock(), Milliseconds(10));
    const bool was_locked = locked;
    if (slow_max > Duration(0)) {
      co_await Sleep(env->clock(), env->random("log").Between(Duration(0), slow_max));
    }
    if (was_locked) co_return Error(ErrorCode::generation_ended);
    ++confirmed;
    co_return Message<ConfirmReply>();
  }
};

struct FakeSequencer {
  Version committed = 1000;
  uint64_t asked = 0;

  Task<absl::Status> Run(RoleContext context) {
    Promise<absl::Status> never;
    const HandlersUntilEnd handlers(context.server, context.token);
    context.server.Handle(
        kGetCommittedVersion,
        [this](Message<CommittedVersionRequest>, CallInfo) { return Answer(); }, context.token);
    co_return co_await never.future();
  }

  Task<absl::StatusOr<Message<CommittedVersionReply>>> Answer() {
    ++asked;
    Message<CommittedVersionReply> reply;
    reply.header.set_committed_version(committed);
    co_return reply;
  }
};

struct Question {
  uint32_t priority = 1;
  std::optional<absl::StatusOr<Version>> answer;
};

class Cluster {
 public:
  // One log for each zone named.
  Cluster(uint64_t seed, std::vector<std::string> zones, uint32_t replication,
          const std::vector<std::string>& knobs = {}) {
    knobs_.Add<RpcKnobs>();
    knobs_.Add<GrvProxyKnobs>();
    for (const std::string& knob : knobs) EXPECT_TRUE(knobs_.SetFromText(knob).ok()) << knob;
    world_.emplace(World::Options{.seed = seed, .knobs = &knobs_});
    GrvProxyOptions options{.generation = 5};
    options.logs.set_replication(replication);
    logs.resize(zones.size());
    for (size_t i = 0; i < zones.size(); ++i) {
      Process& process =
          AddRole(*world_, "log-" + std::to_string(i),
                  [log = &logs[i]](RoleContext c) { return log->Run(std::move(c)); });
      LogMember& member = *options.logs.add_logs();
      member.set_zone(zones[i]);
      *member.mutable_endpoint() = ToMessage(EndpointOf(process));
    }
    sequencer_process = &AddRole(*world_, "sequencer",
                                 [this](RoleContext c) { return sequencer.Run(std::move(c)); });
    options.sequencer = EndpointOf(*sequencer_process);
    Process& proxy = AddRole(*world_, "proxy", [this, options](RoleContext context) {
      return RunProxy(std::move(context), options);
    });
    proxy_endpoint = EndpointOf(proxy);
    client_ = &AddRole(*world_, "client",
                       [this](RoleContext context) { return RunClient(std::move(context)); });
    RunFor(Seconds(1));
  }

  void RunFor(Duration time) { EXPECT_TRUE(world_->RunUntil(world_->Now() + time)); }

  // Sends a question. It is valid as long as this.
  Question& Ask(uint32_t priority = 1, Duration timeout = Seconds(60)) {
    questions_.push_back({.priority = priority});
    client_->tasks().Spawn("ask",
                           AskProxy(client_rpc_, proxy_endpoint, &questions_.back(), timeout));
    return questions_.back();
  }

  Version AskAndWait() {
    Question& question = Ask();
    RunFor(Seconds(10));
    return question.answer.has_value() && question.answer->ok() ? **question.answer : -1;
  }

  uint64_t Events(Duration time) {
    const Time end = world_->Now() + time;
    uint64_t events = 0;
    while (world_->Now() < end && world_->Step()) ++events;
    return events;
  }

  World& world() { return *world_; }

  std::deque<FakeLog> logs;
  FakeSequencer sequencer;
  Process* sequencer_process = nullptr;
  Endpoint proxy_endpoint;
  std::optional<absl::Status> proxy_ended;

 private:
  Task<absl::Status> RunProxy(RoleContext context, GrvProxyOptions options) {
    proxy_ended = co_await RunGrvProxy(std::move(context), options);
    // The host lives on: callers find no handler.
    Promise<absl::Status> never;
    co_return co_await never.future();
  }

  Task<absl::Status> RunClient(RoleContext context) {
    client_rpc_ = &context.rpc;
    Promise<absl::Status> never;
    co_return co_await never.future();
  }

  static Task<absl::Status> AskProxy(RpcClient* rpc, Endpoint to, Question* question,
                                     Duration timeout) {
    ReadVersionRequest request;
    request.set_transactions(1);
    request.set_priority(question->priority);
    const auto reply = co_await rpc->Call(to, kGetReadVersion, {request}, timeout);
    if (reply.ok()) {
      question->answer = reply->header.version();
    } else {
      question->answer = reply.status();
    }
    co_return absl::OkStatus();
  }

  KnobSet knobs_;
  std::deque<Question> questions_;
  RpcClient* client_rpc_ = nullptr;
  Process* client_ = nullptr;
  std::optional<World> world_;
};

TEST(GrvProxyTest, AnswersManyByFewProofs) {
  Cluster cluster(1, {"a", "b", "c"}, 3);
  std::vector<Question*> questions;
  for (int i = 0; i < 2000; ++i) questions.push_back(&cluster.Ask(i % 3));
  cluster.RunFor(Seconds(5));
  for (const Question* each : questions) {
    ASSERT_TRUE(each->answer.has_value() && each->answer->ok());
    ASSERT_EQ(**each->answer, 1000);
  }
  EXPECT_LT(cluster.sequencer.asked, 50u);
  cluster.sequencer.committed = 2000;
  EXPECT_EQ(cluster.AskAndWait(), 2000);
}

TEST(GrvProxyTest, SilentLogsAreNotNeededWhileEnoughZonesAnswer) {
  Cluster cluster(2, {"a", "b", "c"}, 2, {"grv_proxy_call_timeout=1s"});
  cluster.logs[0].silent = true;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(cluster.AskAndWait(), 1000);
  cluster.logs[1].silent = true;
  Question& question = cluster.Ask();
  cluster.RunFor(Seconds(30));
  EXPECT_FALSE(question.answer.has_value());
  EXPECT_FALSE(cluster.proxy_ended.has_value());
  cluster.logs[0].silent = false;
  cluster.RunFor(Seconds(5));
  ASSERT_TRUE(question.answer.has_value() && question.answer->ok());
}

TEST(GrvProxyTest, LogsOfOneZoneCountOnce) {
  Cluster cluster(3, {"a", "a", "b"}, 2);
  EXPECT_EQ(cluster.AskAndWait(), 1000);
  cluster.logs[2].silent = true;
  EXPECT_EQ(cluster.AskAndWait(), -1);
}

TEST(GrvProxyTest, ALockedLogEndsTheProxy) {
  Cluster cluster(4, {"a", "b", "c"}, 2);
  cluster.logs[2].locked = true;
  Question& question = cluster.Ask();
  cluster.RunFor(Seconds(10));
  ASSERT_TRUE(cluster.proxy_ended.has_value());
  EXPECT_EQ(CodeOf(*cluster.proxy_ended), ErrorCode::generation_ended);
  // Whether it was answered before the lock was heard of or not: later ones are not.
  EXPECT_TRUE(question.answer.has_value());
  EXPECT_EQ(cluster.AskAndWait(), -1);
}

// The logs that were locked cannot be reached by the old proxy, the one that was not can.
TEST(GrvProxyTest, AnOldGenerationCutOffFromItsLockedLogsDoesNotAnswer) {
  Cluster cluster(5, {"a", "b", "c"}, 2);
  EXPECT_EQ(cluster.AskAndWait(), 1000);
  for (const size_t i : {0u, 1u}) {
    cluster.logs[i].locked = true;
    cluster.logs[i].silent = true;
  }
  EXPECT_EQ(cluster.AskAndWait(), -1);
  EXPECT_GT(cluster.logs[2].confirmed, 0u);
}

TEST(GrvProxyTest, EndsWhenItsSequencerIsGone) {
  Cluster cluster(6, {"a"}, 1, {"grv_proxy_sequencer_silence_max=2s"});
  EXPECT_EQ(cluster.AskAndWait(), 1000);
  cluster.sequencer_process->Kill();
  Question& question = cluster.Ask();
  cluster.RunFor(Seconds(8));
  ASSERT_TRUE(cluster.proxy_ended.has_value());
  EXPECT_FALSE(cluster.proxy_ended->ok());
  ASSERT_TRUE(question.answer.has_value());
  EXPECT_FALSE(question.answer->ok());
}

TEST(GrvProxyTest, RefusesMoreThanItsLimitAtOnePriority) {
  Cluster cluster(7, {"a"}, 1, {"grv_proxy_waiting_requests_max=100"});
  cluster.logs[0].silent = true;
  cluster.Ask();
  cluster.RunFor(Seconds(2));  // Its proof is under way: the others wait for the next.
  std::vector<Question*> questions;
  for (int i = 0; i < 150; ++i) questions.push_back(&cluster.Ask());
  Question& system = cluster.Ask(/*priority=*/2);
  cluster.RunFor(Seconds(2));
  size_t refused = 0;
  for (const Question* each : questions) {
    if (!each->answer.has_value()) continue;
    EXPECT_EQ(CodeOf(each->answer->status()), ErrorCode::overloaded);
    ++refused;
  }
  EXPECT_EQ(refused, 50u);
  EXPECT_FALSE(system.answer.has_value());
  cluster.logs[0].silent = false;
  cluster.RunFor(Seconds(5));
  EXPECT_TRUE(system.answer.has_value() && system.answer->ok());
}

TEST(GrvProxyTest, NothingIsArmedWhenIdle) {
  Cluster cluster(8, {"a", "b", "c"}, 2, {"rpc_client_idle_max=5s"});
  EXPECT_EQ(cluster.AskAndWait(), 1000);
  cluster.RunFor(Seconds(200));  // Connections that are not used go; servers look for them rarely.
  EXPECT_LT(cluster.Events(Seconds(100)), 50u);
}

// A later generation locks all logs but those of fewer than k zones, then commits.
void LockAndCommit(uint64_t seed, uint64_t& answered, uint64_t& unanswered) {
  Cluster cluster(seed, {"a", "b", "c", "c"}, 2);
  Random random(seed);
  for (FakeLog& log : cluster.logs) {
    log.slow_max = random.Between(Duration(0), Milliseconds(50));
  }
  Version acknowledged = 1000;
  struct Asked {
    Question* question;
    Version acknowledged;
  };
  std::vector<Asked> all;
  const size_t unlocked = random.Below(3);  // A zone.
  const uint64_t recovery_at = 20 + random.Below(80);
  for (uint64_t step = 0; step < 200; ++step) {
    if (step < recovery_at) cluster.sequencer.committed = ++acknowledged;
    if (step == recovery_at) {
      for (size_t i = 0; i < cluster.logs.size(); ++i) {
        if (std::min<size_t>(i, 2) == unlocked) continue;
        cluster.logs[i].locked = true;
        cluster.logs[i].silent = random.Chance(OneIn(2));
      }
    }
    // Now the next generation commits, and tells its clients.
    if (step >= recovery_at) acknowledged = 100'000 + static_cast<Version>(step);
    all.push_back({&cluster.Ask(static_cast<uint32_t>(random.Below(3))), acknowledged});
    if (random.Chance(OneIn(3))) cluster.RunFor(random.Between(Duration(0), Milliseconds(20)));
  }
  cluster.RunFor(Seconds(70));
  for (const Asked& each : all) {
    ASSERT_TRUE(each.question->answer.has_value());
    if (!each.question->answer->ok()) {
      ++unanswered;
      continue;
    }
    ++answered;
    ASSERT_GE(**each.question->answer, each.acknowledged) << "seed " << seed;
  }
}

TEST(GrvProxyTest, NeverAnswersFromThePast) {
  uint64_t answered = 0, unanswered = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) LockAndCommit(seed, answered, unanswered);
  EXPECT_GT(answered, 200u);
  EXPECT_GT(unanswered, 1000u);
  std::printf("answered %llu, unanswered %llu\n", static_cast<unsigned long long>(answered),
              static_cast<unsigned long long>(unanswered));
}

TEST(LivenessProofTest, AnAnswerToAnEarlierQuestionProvesNothing) {
  LivenessProof proof({"a", "b", "b"}, 2);
  EXPECT_FALSE(proof.complete() || proof.Wants(0));
  proof.Begin();
  proof.Confirm(0, 1);
  EXPECT_FALSE(proof.Wants(0));
  EXPECT_TRUE(proof.Wants(1));
  proof.Begin();
  EXPECT_TRUE(proof.Wants(0));
  proof.Confirm(1, 1);
  proof.Confirm(0, 2);
  EXPECT_FALSE(proof.complete());
  proof.Confirm(1, 2);
  EXPECT_TRUE(proof.complete());
  EXPECT_FALSE(proof.Wants(2));
  proof.Begin();
  proof.Confirm(1, 3);
  proof.Confirm(2, 3);
  EXPECT_FALSE(proof.complete());
}

TEST(ReadVersionQueuesTest, SystemFirstThenDefaultThenBatch) {
  ReadVersionQueues<int> queues(2);
  EXPECT_TRUE(queues.empty());
  EXPECT_TRUE(queues.Add(0, 1) && queues.Add(1, 2) && queues.Add(2, 3) && queues.Add(9, 4));
  EXPECT_FALSE(queues.Add(2, 5));
  EXPECT_EQ(queues.Take(3), (std::vector<int>{3, 4, 2}));
  EXPECT_EQ(queues.Take(3), (std::vector<int>{1}));
  EXPECT_TRUE(queues.empty());
}

}  // namespace
}  // namespace orrery
