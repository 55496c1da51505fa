// Goal: over a network, with batches that are slow, given up and sent again, every batch of the
// chain is resolved once and in order, both proxies learn the same state transactions in the same
// order with the same verdicts, and a hole in the chain is told within a bound. Method: two proxies
// that take links of one chain and send each batch until it is answered, for many seeds; verdicts
// are recomputed along the chain at the end.
#include "txn/resolver/resolver.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/observe/probe.h"
#include "gtest/gtest.h"
#include "sim/world/world.h"
#include "txn/resolver/conflict_set.h"
#include "txn/resolver/resolve_codec.h"
#include "txn/resolver/resolver_knobs.h"
#include "txn/resolver/resolver_methods.h"
#include "txn/sequencer/testing/role_host.h"

namespace orrery {
namespace {

using sim::Process;
using sim::World;
using testing_roles::AddRole;
using testing_roles::EndpointOf;

constexpr Version kFirst = 1'000'000;
constexpr Version kWindow = 3000;
constexpr int kBatches = 100;

using StatePlace = std::pair<Version, uint32_t>;

struct Batch {
  uint64_t proxy = 0;
  Version previous = kInvalidVersion;
  std::string attachment;
  std::string verdicts;
};

// What the proxies of one world share: the chain, as a sequencer would give it, and what they saw.
struct History {
  std::map<Version, Batch> chain;  // By version.
  Version chain_end = kFirst;
  std::map<uint64_t, std::map<StatePlace, std::string>> seen;  // By proxy.
  uint64_t sent = 0;
  int proxies_done = 0;
};

class FakeProxy {
 public:
  FakeProxy(RoleContext& context, Endpoint resolver, uint64_t id, History& history)
      : env_(context.env),
        random_(env_.random("proxy")),
        rpc_(context.rpc),
        resolver_(resolver),
        id_(id),
        history_(history),
        tasks_(env_.executor(),
               [](std::string_view, absl::Status status) { ADD_FAILURE() << Describe(status); }) {}

  Task<absl::Status> Run() {
    for (int i = 0; i < kBatches; ++i) {
      while (under_way_.size() >= 4) co_await arrived_.Wait();
      const Version version = history_.chain_end + random_.Between(1, 200);
      history_.chain[version] = {id_, history_.chain_end, DrawAttachment(), ""};
      history_.chain_end = version;
      under_way_[version] = false;
      tasks_.Spawn("batch", Resolve(version));
      co_await Sleep(env_.clock(), random_.Between({}, Milliseconds(10)));
    }
    while (!under_way_.empty()) co_await arrived_.Wait();
    ++history_.proxies_done;
    co_return absl::OkStatus();
  }

 private:
  std::string DrawAttachment() {
    std::string bytes;
    for (int i = 0; i < 3; ++i) {
      const Key read(1, static_cast<char>('a' + random_.Below(20)));
      const Key write(1, static_cast<char>('a' + random_.Below(20)));
      const Key read_end = KeyAfter(read), write_end = KeyAfter(write);
      ResolveTransactionRef transaction{
          .read_version = history_.chain_end - random_.Between(0, 1000),
          .is_state = i == 0 && random_.Chance(OneIn(3)),
          .reads = {{read, read_end}},
          .writes = {{write, write_end}}};
      if (transaction.is_state) transaction.state_mutations = "metadata";
      AppendResolveTransaction(transaction, bytes);
    }
    return bytes;
  }

  Task<absl::Status> Resolve(Version version) {
    Batch& batch = history_.chain.at(version);
    ResolveRequest request;
    request.set_proxy_id(id_);
    request.set_previous_version(batch.previous);
    request.set_version(version);
    request.set_answered_through(answered_through_);
    request.set_transactions(3);
    while (batch.verdicts.empty() || random_.Chance(OneIn(10))) {
      ++history_.sent;
      const auto reply = co_await rpc_.Call(
          resolver_, kResolve, {request, Buffer::Copy(batch.attachment)},
          random_.Chance(OneIn(3)) ? random_.Between({}, Milliseconds(30)) : Seconds(5));
      if (!reply.ok()) {
        // The chain has no hole and no answer that is wanted was trimmed.
        EXPECT_NE(CodeOf(reply.status()), ErrorCode::generation_ended);
        continue;
      }
      if (!batch.verdicts.empty()) EXPECT_EQ(batch.verdicts, reply->header.verdicts());
      batch.verdicts = reply->header.verdicts();
      for (const StateTransaction& each : reply->header.state()) {
        const StatePlace place{each.version(), each.order()};
        EXPECT_LT(each.version(), version);
        EXPECT_GT(place, (StatePlace{request.answered_through(), UINT32_MAX}));
        history_.seen[id_][place] = each.mutations() + (each.committed() ? "+" : "-");
      }
    }
    under_way_[version] = true;
    while (!under_way_.empty() && under_way_.begin()->second) {
      answered_through_ = under_way_.begin()->first;
      under_way_.erase(under_way_.begin());
    }
    arrived_.NotifyAll();
    co_return absl::OkStatus();
  }

  Env& env_;
  Random& random_;
  RpcClient& rpc_;
  const Endpoint resolver_;
  const uint64_t id_;
  History& history_;
  Version answered_through_ = kFirst;
  std::map<Version, bool> under_way_;  // Whether the answer has arrived.
  Notify arrived_;
  TaskGroup tasks_;
};

Task<absl::Status> RunFakeProxy(RoleContext context, Endpoint resolver, uint64_t id,
                                History* history) {
  FakeProxy proxy(context, resolver, id, *history);
  co_return co_await proxy.Run();
}

// The verdicts along the chain, and what each proxy must have learnt of the other's batches.
void CheckHistory(const History& history, uint64_t seed) {
  ConflictSet plain(kFirst);
  Version last = kFirst;
  std::map<uint64_t, Version> last_of;
  for (const auto& [version, batch] : history.chain) last_of[batch.proxy] = version;
  for (const auto& [version, batch] : history.chain) {
    ASSERT_EQ(batch.previous, last);
    last = version;
    const auto transactions = ParseResolveTransactions(batch.attachment, 3);
    std::vector<ConflictTransaction> judged;
    for (const auto& each : *transactions) {
      judged.push_back({each.read_version, each.reads, each.writes});
    }
    plain.SetOldest(version - kWindow);
    const BatchVerdicts& expected = plain.Resolve(version, judged);
    for (uint32_t i = 0; i < judged.size(); ++i) {
      ASSERT_EQ(static_cast<Verdict>(batch.verdicts[i]), expected.verdicts[i]) << seed;
      if (!(*transactions)[i].is_state) continue;
      const std::string told =
          expected.verdicts[i] == Verdict::committed ? "metadata+" : "metadata-";
      for (const auto& [proxy, seen] : history.seen) {
        if (proxy == batch.proxy || version > last_of.at(proxy)) continue;
        ASSERT_TRUE(seen.contains({version, i})) << seed;
        ASSERT_EQ(seen.at({version, i}), told) << seed;
      }
    }
  }
}

Process& AddResolver(World& world) {
  ResolverOptions options{.generation = 3, .first_version = kFirst, .window = kWindow};
  options.proxy_ids = {1, 2};
  return AddRole(world, "resolver", [options](RoleContext context) {
    return RunResolver(std::move(context), options);
  });
}

uint64_t CountProbe(const World& world, std::string_view name) {
  const std::vector<uint64_t> counts = world.CollectProbes();
  uint64_t count = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (AllProbeSites()[i].name == name) count += counts[i];
  }
  return count;
}

TEST(ResolverTest, ResolvesAlongTheChainOnce) {
  uint64_t repeats = 0, repeated = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    KnobSet knobs;
    knobs.Add<RpcKnobs>();
    knobs.Add<ResolverKnobs>();
    World world(World::Options{.seed = seed, .knobs = &knobs});
    Process& resolver = AddResolver(world);
    History history;
    for (const uint64_t id : {1, 2}) {
      AddRole(world, "proxy-" + std::to_string(id),
              [to = EndpointOf(resolver), id, &history](RoleContext context) {
                return RunFakeProxy(std::move(context), to, id, &history);
              });
    }
    ASSERT_TRUE(world.RunUntil(world.Now() + Seconds(100))) << seed;
    ASSERT_EQ(history.proxies_done, 2) << seed;
    CheckHistory(history, seed);
    repeats += history.sent - 2 * kBatches;
    repeated += CountProbe(world, "resolver.answered_again");
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(repeats, 500u);
  EXPECT_GT(repeated, 300u);
}

Task<absl::Status> SendWithHole(RoleContext context, Endpoint resolver,
                                std::optional<ErrorCode>* answer) {
  ResolveRequest request;
  request.set_proxy_id(1);
  request.set_previous_version(kFirst + 5);
  request.set_version(kFirst + 10);
  const auto reply = co_await context.rpc.Call(resolver, kResolve, {request}, Seconds(100));
  *answer = CodeOf(reply.status());
  co_return absl::OkStatus();
}

TEST(ResolverTest, AHoleInTheChainIsToldWithinABound) {
  KnobSet knobs;
  knobs.Add<RpcKnobs>();
  knobs.Add<ResolverKnobs>();
  World world(World::Options{.seed = 1, .knobs = &knobs, .buggify = false});
  Process& resolver = AddResolver(world);
  std::optional<ErrorCode> answer;
  AddRole(world, "proxy", [to = EndpointOf(resolver), &answer](RoleContext context) {
    return SendWithHole(std::move(context), to, &answer);
  });
  ASSERT_TRUE(world.RunUntil(world.Now() + Seconds(9)));
  EXPECT_FALSE(answer.has_value());
  ASSERT_TRUE(world.RunUntil(world.Now() + Seconds(6)));
  EXPECT_EQ(answer, ErrorCode::generation_ended);
  EXPECT_EQ(CountProbe(world, "resolver.chain_has_hole"), 1u);
}

}  // namespace
}  // namespace orrery
