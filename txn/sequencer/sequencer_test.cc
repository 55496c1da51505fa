// Goal: over a network, with calls that are slow, given up and sent again, every proxy gets links
// of one chain without a gap, and nothing beyond the limit. Method: two proxies with several
// requests under way, each sent again until it is answered, for many seeds; the chain is put
// together at the end.
#include "txn/sequencer/sequencer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "gtest/gtest.h"
#include "sim/world/world.h"
#include "txn/sequencer/sequencer_knobs.h"
#include "txn/sequencer/sequencer_methods.h"
#include "txn/sequencer/testing/role_host.h"

namespace orrery {
namespace {

using sim::Process;
using sim::World;
using testing_roles::AddRole;
using testing_roles::EndpointOf;

constexpr Version kFirst = 1'000'000;
constexpr Version kWindow = 5'000'000;
constexpr uint64_t kRequests = 150;
constexpr uint64_t kUnderWay = 5;

struct History {
  std::map<Version, Version> chain;  // From the previous version to the version.
  uint64_t sent = 0;
  uint64_t answered = 0;
  int64_t proxies_done = 0;
};

// A commit proxy as the sequencer sees it.
class FakeProxy {
 public:
  FakeProxy(RoleContext& context, Endpoint sequencer, uint64_t id, History& history)
      : env_(context.env),
        rpc_(context.rpc),
        sequencer_(sequencer),
        id_(id),
        history_(history),
        tasks_(env_.executor(),
               [](std::string_view, absl::Status status) { ADD_FAILURE() << Describe(status); }) {}

  Task<absl::Status> Run() {
    for (uint64_t number = 1; number <= kRequests; ++number) {
      while (number - answered_through_ > kUnderWay) co_await arrived_.Wait();
      tasks_.Spawn("request", Request(number));
      co_await Sleep(env_.clock(), env_.random("proxy").Between({}, Milliseconds(20)));
    }
    while (answered_through_ < kRequests) co_await arrived_.Wait();
    ++history_.proxies_done;
    co_return absl::OkStatus();
  }

 private:
  Task<absl::Status> Request(uint64_t number) {
    std::optional<CommitVersionReply> first;
    // After the first answer it is sometimes asked again, as a duplicate on its way would.
    while (!first.has_value() || env_.random("proxy").Chance(OneIn(10))) {
      CommitVersionRequest request;
      request.set_proxy_id(id_);
      request.set_request_number(number);
      request.set_answered_through(first.has_value() ? number - 1 : answered_through_);
      ++history_.sent;
      const auto reply =
          co_await rpc_.Call(sequencer_, kGetCommitVersion, {request},
                             env_.random("proxy").Between(Milliseconds(1), Milliseconds(200)));
      if (!reply.ok()) {
        const ErrorCode code = CodeOf(reply.status());
        // A late duplicate may meet what a later request said had arrived, or run ahead of it.
        if (first.has_value() && code != ErrorCode::timed_out) break;
        if (code == ErrorCode::generation_ended) ADD_FAILURE() << "the first answer was trimmed";
        continue;
      }
      if (first.has_value()) {
        EXPECT_EQ(first->version(), reply->header.version());
        EXPECT_EQ(first->previous_version(), reply->header.previous_version());
        continue;
      }
      first = reply->header;
    }
    history_.chain[first->previous_version()] = first->version();
    ++history_.answered;
    EXPECT_LE(first->committed_version(), first->previous_version());
    done_[number] = first->version();
    while (!done_.empty() && done_.begin()->first == answered_through_ + 1) {
      ++answered_through_;
      done_.erase(done_.begin());
    }
    arrived_.NotifyAll();
    co_return absl::OkStatus();
  }

  Env& env_;
  RpcClient& rpc_;
  const Endpoint sequencer_;
  const uint64_t id_;
  History& history_;
  uint64_t answered_through_ = 0;
  std::map<uint64_t, Version> done_;
  Notify arrived_;
  TaskGroup tasks_;
};

Task<absl::Status> RunFakeProxy(RoleContext context, Endpoint sequencer, uint64_t id,
                                History* history) {
  FakeProxy proxy(context, sequencer, id, *history);
  co_return co_await proxy.Run();
}

Task<absl::Status> Ask(RoleContext context, Endpoint sequencer, Version report,
                       std::optional<Version>* committed, std::optional<Version>* refused) {
  ReportCommittedRequest request;
  request.set_version(report);
  CommitVersionRequest stranger;
  stranger.set_proxy_id(99);
  stranger.set_request_number(1);
  const auto strange =
      co_await context.rpc.Call(sequencer, kGetCommitVersion, {stranger}, Seconds(5));
  *refused = static_cast<Version>(CodeOf(strange.status()));
  const auto reported =
      co_await context.rpc.Call(sequencer, kReportCommitted, {request}, Seconds(5));
  CO_RETURN_IF_ERROR(reported.status());
  const auto told = co_await context.rpc.Call(sequencer, kGetCommittedVersion,
                                              {CommittedVersionRequest()}, Seconds(5));
  CO_RETURN_IF_ERROR(told.status());
  *committed = told->header.committed_version();
  co_return absl::OkStatus();
}

uint64_t RunSeed(uint64_t seed) {
  KnobSet knobs;
  knobs.Add<RpcKnobs>();
  knobs.Add<SequencerKnobs>();
  World world(World::Options{.seed = seed, .knobs = &knobs});
  SequencerOptions options{.generation = 3, .first_version = kFirst, .window = kWindow};
  options.proxy_ids = {1, 2};
  Process& sequencer = AddRole(world, "sequencer", [options](RoleContext context) {
    return RunSequencer(std::move(context), options);
  });
  History history;
  for (const uint64_t id : options.proxy_ids) {
    AddRole(world, "proxy-" + std::to_string(id),
            [to = EndpointOf(sequencer), id, &history](RoleContext context) {
              return RunFakeProxy(std::move(context), to, id, &history);
            });
  }
  EXPECT_TRUE(world.RunUntil(world.Now() + Seconds(200))) << seed;
  EXPECT_EQ(history.proxies_done, 2) << seed;
  EXPECT_EQ(history.chain.size(), 2 * kRequests) << seed;
  Version last = kFirst;
  for (const auto& [previous, version] : history.chain) {
    EXPECT_EQ(previous, last) << seed;
    EXPECT_GT(version, previous);
    EXPECT_LE(version - previous, kWindow);
    last = version;
  }
  EXPECT_LE(last, kFirst + kGenerationJump / 2);
  std::optional<Version> committed, refused;
  AddRole(world, "reporter",
          [to = EndpointOf(sequencer), last, &committed, &refused](RoleContext context) {
            return Ask(std::move(context), to, last, &committed, &refused);
          });
  EXPECT_TRUE(world.RunUntil(world.Now() + Seconds(20))) << seed;
  EXPECT_EQ(committed, last) << seed;
  EXPECT_EQ(refused, static_cast<Version>(ErrorCode::generation_ended)) << seed;
  return history.sent - history.answered;
}

TEST(SequencerTest, OneChainForAllProxies) {
  uint64_t repeats = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) repeats += RunSeed(seed);
  EXPECT_GT(repeats, 300u);
}

}  // namespace
}  // namespace orrery
