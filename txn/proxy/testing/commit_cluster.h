// Commit proxies in a simulated world: real proxies and resolvers, a sequencer and logs that record
// what they are told and check that it may be said, and clients that check each answer the moment
// it comes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/rpc/endpoint_message.h"
#include "gtest/gtest.h"
#include "sim/world/world.h"
#include "storage/log/log_methods.h"
#include "txn/metadata/metadata.h"
#include "txn/proxy/commit_proxy.h"
#include "txn/proxy/commit_proxy_knobs.h"
#include "txn/proxy/proxy_methods.h"
#include "txn/proxy/transaction_codec.h"
#include "txn/resolver/resolver.h"
#include "txn/resolver/resolver_knobs.h"
#include "txn/sequencer/sequencer_methods.h"
#include "txn/sequencer/testing/role_host.h"

namespace orrery::commit_testing {

using testing_roles::AddRole;
using testing_roles::EndpointOf;

inline constexpr Version kFirst = 1'000'000;
inline constexpr Version kWindow = 5'000'000;

// ---- What the proxies talk to.

struct FakeSequencer {
  Version last = kFirst;
  Version committed = kFirst;
  std::map<uint64_t, std::map<uint64_t, CommitVersionReply>> given;  // By proxy and number.
  uint64_t repeats = 0;
  Notify changed;

  Task<absl::Status> Run(RoleContext context) {
    Promise<absl::Status> never;
    const HandlersUntilEnd handlers(context.server, context.token);
    Env* const env = &context.env;
    context.server.Handle(
        kGetCommitVersion,
        [this, env](Message<CommitVersionRequest> r, CallInfo) { return Give(env, r.header); },
        context.token);
    context.server.Handle(
        kReportCommitted,
        [this](Message<ReportCommittedRequest> r, CallInfo) { return Report(r.header.version()); },
        context.token);
    context.server.Handle(
        kGetCommittedVersion, [this](Message<CommittedVersionRequest>, CallInfo) { return Tell(); },
        context.token);
    co_return co_await never.future();
  }

  Task<absl::StatusOr<Message<CommitVersionReply>>> Give(Env* env, CommitVersionRequest request) {
    auto& of_proxy = given[request.proxy_id()];
    const uint64_t number = request.request_number();
    while (!of_proxy.contains(number) && of_proxy.size() + 1 < number) co_await changed.Wait();
    const auto [at, added] = of_proxy.try_emplace(number);
    repeats += added ? 0 : 1;
    if (added) {
      at->second.set_previous_version(last);
      Random& random = env->random("versions");
      last += random.Chance(OneIn(20)) ? kWindow : random.Between(int64_t{1}, int64_t{5000});
      at->second.set_version(last);
      at->second.set_committed_version(committed);
      changed.NotifyAll();
    }
    Message<CommitVersionReply> reply{at->second};
    co_return reply;
  }

  Task<absl::StatusOr<Message<ReportCommittedReply>>> Report(Version version) {
    committed = std::max(committed, version);
    Message<ReportCommittedReply> reply;
    reply.header.set_committed_version(committed);
    co_return reply;
  }

  Task<absl::StatusOr<Message<CommittedVersionReply>>> Tell() {
    Message<CommittedVersionReply> reply;
    reply.header.set_committed_version(committed);
    co_return reply;
  }
};

struct FakeLog {
  const FakeSequencer* sequencer = nullptr;
  Version accepted = kFirst;
  Version durable = kFirst;
  Version known_committed = kFirst;
  uint64_t room_bytes = uint64_t{1} << 40;
  uint64_t repeats = 0;  // Pushes that came again.
  bool locked = false;
  std::map<Version, std::string> batches;
  Version metadata_popped = kFirst;
  Notify changed;

  Task<absl::Status> Run(RoleContext context) {
    Promise<absl::Status> never;
    const HandlersUntilEnd handlers(context.server, context.token);
    Env* const env = &context.env;
    context.server.Handle(
        kPush, [this, env](Message<PushRequest> r, CallInfo) { return Push(env, std::move(r)); },
        context.token);
    context.server.Handle(
        kAdvanceKnownCommitted,
        [this](Message<AdvanceRequest> r, CallInfo) { return Advance(r.header.known_committed()); },
        context.token);
    context.server.Handle(
        kPop, [this](Message<PopRequest> r, CallInfo) { return Pop(r.header); }, context.token);
    co_return co_await never.future();
  }

  Task<absl::StatusOr<Message<PopReply>>> Pop(PopRequest request) {
    EXPECT_EQ(request.tag().kind(), static_cast<uint32_t>(TagKind::kMetadata));
    // What is left begins with what must be a snapshot, and is committed.
    EXPECT_TRUE(batches.contains(request.version() + 1));
    EXPECT_LT(request.version(), sequencer->committed);
    metadata_popped = std::max(metadata_popped, Version{request.version()});
    co_return Message<PopReply>();
  }

  void Learn(Version version) {
    EXPECT_LE(version, sequencer->committed);
    known_committed = std::max(known_committed, version);
  }

  Task<absl::StatusOr<Message<PushReply>>> Push(Env* env, Message<PushRequest> request) {
    const Version previous = request.header.previous_version();
    const Version version = request.header.version();
    Learn(request.header.known_committed());
    EXPECT_LE(version - kWindow, sequencer->committed);
    while (accepted < previous && !locked) co_await changed.Wait();
    if (locked) co_return Error(ErrorCode::generation_ended);
    const std::string batch(request.attachment.view());
    if (accepted >= version) {
      ++repeats;
      EXPECT_EQ(batches[version], batch);
    } else {
      EXPECT_EQ(accepted, previous);
      accepted = version;
      batches.emplace(version, batch);
      changed.NotifyAll();
    }
    co_await Sleep(env->clock(), env->random("sync").Between(Duration(0), Milliseconds(5)));
    while (durable < previous && !locked) co_await changed.Wait();
    if (locked) co_return Error(ErrorCode::generation_ended);
    durable = std::max(durable, version);
    changed.NotifyAll();
    Message<PushReply> reply;
    reply.header.set_room_bytes(room_bytes);
    co_return reply;
  }

  Task<absl::StatusOr<Message<AdvanceReply>>> Advance(Version version) {
    Learn(version);
    co_return Message<AdvanceReply>();
  }
};

// ---- Keys: one slot for each of these; the last one reaches to the end.

inline const std::vector<std::string>& Slots() {
  static const std::vector<std::string> slots = {"", "a", "b", "c", "d", "e", "f"};
  return slots;
}

inline size_t SlotOf(KeyRef key) {
  return static_cast<size_t>(std::ranges::upper_bound(Slots(), key) - Slots().begin()) - 1;
}

inline Mutation ShardRow(size_t slot, const Shard& shard) {
  return {MutationType::kSet, std::string(kShardMapPrefix) + Slots()[slot], EncodeShard(shard)};
}

struct Sent {
  std::string id;
  bool report_conflicts = false;
  Version read_version = kInvalidVersion;
  std::vector<KeyRange> reads;
  std::vector<KeyRange> writes;
  std::vector<Mutation> mutations;
  std::optional<absl::StatusOr<CommitReply>> reply;

  std::string Encode() const {
    CommitTransactionRef transaction;
    transaction.read_version = read_version;
    transaction.reads.assign(reads.begin(), reads.end());
    transaction.writes.assign(writes.begin(), writes.end());
    transaction.mutations.assign(mutations.begin(), mutations.end());
    return EncodeTransaction(transaction);
  }
  bool committed() const {
    return reply.has_value() && reply->ok() && (*reply)->outcome() == CommitReply::COMMITTED;
  }
};

class Cluster {
 public:
  struct Options {
    uint64_t seed = 1;
    size_t logs = 3;
    uint32_t replication = 2;
    size_t resolvers = 1;
    size_t proxies = 2;
    std::vector<std::string> knobs;
  };

  explicit Cluster(Options options) : random(options.seed) {
    knobs_.Add<RpcKnobs>();
    knobs_.Add<CommitProxyKnobs>();
    knobs_.Add<ResolverKnobs>();
    if (options.knobs.empty()) knobs_.Randomise(options.seed);
    for (const std::string& knob : options.knobs) EXPECT_TRUE(knobs_.SetFromText(knob).ok());
    world_.emplace(sim::World::Options{.seed = options.seed, .knobs = &knobs_});
    CommitProxyOptions proxy{.generation = 5, .first_version = kFirst, .window = kWindow};
    proxy.sequencer = EndpointOf(AddRole(
        *world_, "sequencer", [this](RoleContext c) { return sequencer.Run(std::move(c)); }));
    std::vector<uint64_t> proxy_ids;
    for (uint64_t i = 0; i < options.proxies; ++i) proxy_ids.push_back(i + 1);
    for (size_t i = 0; i < options.resolvers; ++i) {
      const ResolverOptions resolver{.generation = 5,
                                     .first_version = kFirst,
                                     .proxy_ids = proxy_ids,
                                     .index = static_cast<uint32_t>(i),
                                     .window = kWindow};
      sim::Process& process =
          AddRole(*world_, "resolver-" + std::to_string(i),
                  [resolver](RoleContext c) { return RunResolver(std::move(c), resolver); });
      proxy.resolvers.push_back({i == 0 ? "" : Slots()[2 * i], EndpointOf(process)});
    }
    AddLogs(options, proxy.logs);
    proxy.metadata = FirstMetadata();
    for (const uint64_t id : proxy_ids) {
      proxy.proxy_id = id;
      sim::Process& process =
          AddRole(*world_, "proxy-" + std::to_string(id),
                  [this, proxy](RoleContext c) { return RunProxy(std::move(c), proxy); });
      proxies.push_back(EndpointOf(process));
    }
    AddRole(*world_, "client", [this](RoleContext c) { return RunClient(std::move(c)); });
    log_set = proxy.logs;
    RunFor(Seconds(1));
  }

  void RunFor(Duration time) { EXPECT_TRUE(world_->RunUntil(world_->Now() + time)); }

  // Sends it to a proxy. Valid as long as this.
  Sent& Send(Sent transaction, bool system_priority = false) {
    sent.push_back(std::make_unique<Sent>(std::move(transaction)));
    CommitRequest request;
    request.set_id(sent.back()->id);
    request.set_access_system_keys(true);
    request.set_report_conflicts(sent.back()->report_conflicts);
    request.set_system_priority(system_priority);
    client_tasks_->Spawn("commit", Ask(proxies[random.Below(proxies.size())], std::move(request),
                                       sent.back().get()));
    return *sent.back();
  }

  static std::vector<Mutation> FirstMetadata() {
    std::vector<Mutation> rows;
    rows.push_back(ShardRow(0, {{{TagKind::kStorage, 0}}, {}}));
    for (uint32_t id = 0; id < 4; ++id) {
      StorageServerRow server;
      server.set_storage_id(100 + id);
      server.set_tag_id(id);
      server.set_zone("zone-" + std::to_string(id));
      rows.push_back(ServerListRow(server));
    }
    return rows;
  }

  LocateReply Locate(std::string begin, std::string end, uint32_t shards_max, bool reverse) {
    std::optional<LocateReply> found;
    LocateRequest request;
    request.set_begin(begin);
    request.set_end(end);
    request.set_shards_max(shards_max);
    request.set_reverse(reverse);
    client_tasks_->Spawn("locate", AskWhere(request, &found));
    RunFor(Seconds(1));
    EXPECT_TRUE(found.has_value());
    return found.value_or(LocateReply());
  }

  uint64_t Events(Duration time) {
    const Time end = world_->Now() + time;
    uint64_t events = 0;
    while (world_->Now() < end && world_->Step()) ++events;
    return events;
  }

  Random random;
  FakeSequencer sequencer;
  std::vector<std::unique_ptr<FakeLog>> logs;
  LogSet log_set;
  std::vector<Endpoint> proxies;
  std::vector<std::unique_ptr<Sent>> sent;
  std::vector<absl::Status> ended;  // Of proxies.

 private:
  void AddLogs(const Options& options, LogSet& set) {
    set.set_replication(options.replication);
    for (size_t i = 0; i < options.logs; ++i) {
      logs.push_back(std::make_unique<FakeLog>());
      FakeLog* const log = logs.back().get();
      log->sequencer = &sequencer;
      sim::Process& process = AddRole(*world_, "log-" + std::to_string(i),
                                      [log](RoleContext c) { return log->Run(std::move(c)); });
      LogMember& member = *set.add_logs();
      member.set_zone("zone-" + std::to_string(i));
      *member.mutable_endpoint() = ToMessage(EndpointOf(process));
    }
  }

  Task<absl::Status> RunProxy(RoleContext context, CommitProxyOptions options) {
    ended.push_back(co_await RunCommitProxy(std::move(context), std::move(options)));
    Promise<absl::Status> never;
    co_return co_await never.future();
  }

  Task<absl::Status> RunClient(RoleContext context) {
    client_rpc_ = &context.rpc;
    TaskGroup tasks(context.env.executor(), [](std::string_view, absl::Status) {});
    client_tasks_ = &tasks;
    Promise<absl::Status> never;
    co_return co_await never.future();
  }

  Task<absl::Status> Ask(Endpoint to, CommitRequest request, Sent* transaction) {
    Message<CommitRequest> message{std::move(request), Buffer::Copy(transaction->Encode())};
    auto reply = co_await client_rpc_->Call(to, kCommit, std::move(message), Seconds(100));
    if (!reply.ok()) {
      transaction->reply = reply.status();
      co_return absl::OkStatus();
    }
    // Not a moment later than now.
    EXPECT_LE(reply->header.version(), sequencer.committed);
    for (const auto& log : logs) EXPECT_LE(reply->header.version(), log->durable);
    transaction->reply = reply->header;
    co_return absl::OkStatus();
  }

  Task<absl::Status> AskWhere(LocateRequest request, std::optional<LocateReply>* found) {
    Message<LocateRequest> message{std::move(request)};
    const auto reply =
        co_await client_rpc_->Call(proxies[0], kLocate, std::move(message), Seconds(1));
    if (reply.ok()) *found = reply->header;
    co_return absl::OkStatus();
  }

  KnobSet knobs_;
  RpcClient* client_rpc_ = nullptr;
  TaskGroup* client_tasks_ = nullptr;
  std::optional<sim::World> world_;
};

}  // namespace orrery::commit_testing
