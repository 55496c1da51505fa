// SCAFFOLD: replaced by the real one.
#include "txn/proxy/commit_proxy.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "core/async/when_all.h"
#include "core/observe/trace.h"
#include "core/rpc/endpoint_message.h"
#include "storage/log/atomic_operations.h"
#include "storage/log/log_methods.h"
#include "storage/log/log_team.h"
#include "storage/log/mutation_codec.h"
#include "storage/server/private_mutations.h"
#include "txn/metadata/metadata.h"
#include "txn/proxy/commit_ids.h"
#include "txn/proxy/proxy_methods.h"
#include "txn/proxy/transaction_codec.h"
#include "txn/resolver/conflict_set.h"
#include "txn/resolver/resolve_codec.h"
#include "txn/resolver/resolver_methods.h"
#include "txn/sequencer/sequencer_methods.h"

namespace orrery {
namespace {

constexpr Tag kMetadataTagHere = {TagKind::kMetadata, 0};
constexpr Duration kCallTimeout = Seconds(5);
constexpr Duration kIdle = Seconds(2);
constexpr size_t kInFlightMax = 8;

struct Pending {
  Message<CommitRequest> request;
  CommitTransactionRef transaction;
  Promise<absl::StatusOr<CommitReply>> answer;
};

class Proxy {
 public:
  Proxy(Env& env, RpcClient& rpc, CommitProxyOptions options)
      : env_(env),
        rpc_(rpc),
        options_(std::move(options)),
        tasks_(env.executor(), [this](std::string_view, absl::Status s) {
          if (!ended_set_) {
            ended_set_ = true;
            ended_.Set(std::move(s));
          }
        }) {
    for (const Mutation& m : options_.metadata) metadata_.Apply(m);
    metadata_version_ = resolved_through_ = logged_ = committed_ = options_.first_version;
    for (int i = 0; i < options_.logs.logs_size(); ++i)
      logs_.push_back(FromMessage(options_.logs.logs(i).endpoint()));
  }

  Task<absl::Status> Run() {
    tasks_.Spawn("batches", Batches());
    co_return co_await ended_.future();
  }

  Task<absl::StatusOr<Message<CommitReply>>> Commit(Message<CommitRequest> request, CallInfo) {
    Pending pending;
    pending.request = std::move(request);
    CO_ASSIGN_OR_RETURN(pending.transaction, DecodeTransaction(pending.request.attachment.view()));
    CO_RETURN_IF_ERROR(
        CheckTransaction(pending.transaction, pending.request.header.access_system_keys()));
    for (const MutationRef& m : pending.transaction.mutations) {
      if (Metadata::Touches(m)) CO_RETURN_IF_ERROR(Metadata::Check(m));
    }
    auto future = pending.answer.future();
    pending_.push_back(std::move(pending));
    arrived_.NotifyAll();
    CO_ASSIGN_OR_RETURN(CommitReply reply, co_await std::move(future));
    Message<CommitReply> out;
    out.header = std::move(reply);
    co_return out;
  }

  Task<absl::StatusOr<Message<LocateReply>>> Locate(Message<LocateRequest> request, CallInfo) {
    Message<LocateReply> reply;
    const size_t max = request.header.shards_max() == 0 ? 100 : request.header.shards_max();
    std::vector<ShardLocation> all;
    const KeyRangeRef range{request.header.begin(),
                            std::min<std::string_view>(request.header.end(), kShardMapEnd)};
    metadata_.shards().ForEach(range, [&](const ShardMap::Location& location) {
      ShardLocation& shard = all.emplace_back();
      shard.set_begin(std::string(location.range.begin));
      shard.set_end(std::string(location.range.end));
      for (const Tag& tag : location.shard.team) {
        const StorageServerRow* row = metadata_.FindServer(tag.id);
        if (row == nullptr) continue;
        ServerLocation& server = *shard.add_servers();
        server.set_tag_id(tag.id);
        *server.mutable_endpoint() = row->endpoint();
        server.set_zone(row->zone());
      }
      return request.header.reverse() || all.size() < max;
    });
    if (request.header.reverse()) std::reverse(all.begin(), all.end());
    if (all.size() > max) all.resize(max);
    for (auto& each : all) *reply.header.add_shards() = std::move(each);
    co_return reply;
  }

 private:
  Task<absl::Status> Wait(Notify& notify) {
    co_await notify.Wait();
    co_return absl::OkStatus();
  }

  Task<absl::Status> Batches() {
    for (;;) {
      while (in_flight_ >= kInFlightMax) co_await finished_.Wait();
      if (pending_.empty()) {
        absl::Status woken = co_await Timeout(env_.clock(), kIdle, Wait(arrived_));
        woken.IgnoreError();
      }
      std::vector<Pending> batch;
      size_t bytes = 0;
      while (!pending_.empty() && batch.size() < 10000 && bytes < (4 << 20)) {
        bytes += pending_.front().request.attachment.size();
        batch.push_back(std::move(pending_.front()));
        pending_.pop_front();
      }
      ++in_flight_;
      tasks_.Spawn("batch", RunBatch(++batch_number_, std::move(batch)));
    }
  }

  void Spread(const std::vector<KeyRangeRef>& ranges, size_t resolver,
              std::vector<KeyRangeRef>& out) const {
    const KeyRef begin = options_.resolvers[resolver].begin;
    const bool last = resolver + 1 == options_.resolvers.size();
    for (const KeyRangeRef& r : ranges) {
      KeyRangeRef cut{
          std::max(r.begin, begin),
          last ? r.end : std::min<KeyRef>(r.end, options_.resolvers[resolver + 1].begin)};
      if (!cut.empty()) out.push_back(cut);
    }
  }

  Task<absl::Status> RunBatch(uint64_t number, std::vector<Pending> batch) {
    CommitVersionRequest ask;
    ask.set_proxy_id(options_.proxy_id);
    ask.set_request_number(number);
    ask.set_answered_through(answered_requests_);
    CO_ASSIGN_OR_RETURN(
        const auto version_reply,
        co_await rpc_.Call(options_.sequencer, kGetCommitVersion, {ask}, kCallTimeout));
    answered_requests_ = std::max(answered_requests_, number);
    const Version previous = version_reply.header.previous_version();
    const Version version = version_reply.header.version();
    committed_ = std::max<Version>(committed_, version_reply.header.committed_version());

    std::vector<std::string> state(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) {
      MutationBatchWriter writer;
      for (const MutationRef& m : batch[i].transaction.mutations) {
        if (Metadata::Touches(m)) writer.Add({}, m);
      }
      if (writer.count() > 0) state[i] = std::move(writer).Finish();
    }
    std::vector<Task<absl::StatusOr<Message<ResolveReply>>>> calls;
    for (size_t r = 0; r < options_.resolvers.size(); ++r) {
      Message<ResolveRequest> request;
      request.header.set_proxy_id(options_.proxy_id);
      request.header.set_previous_version(previous);
      request.header.set_version(version);
      request.header.set_answered_through(resolved_through_);
      request.header.set_transactions(static_cast<uint32_t>(batch.size()));
      std::string bytes;
      for (size_t i = 0; i < batch.size(); ++i) {
        ResolveTransactionRef t;
        t.read_version = batch[i].transaction.read_version;
        t.is_state = !state[i].empty();
        t.state_mutations = state[i];
        if (t.is_state) {
          t.reads = batch[i].transaction.reads;
          t.writes = batch[i].transaction.writes;
        } else {
          Spread(batch[i].transaction.reads, r, t.reads);
          Spread(batch[i].transaction.writes, r, t.writes);
        }
        AppendResolveTransaction(t, bytes);
      }
      request.attachment = Buffer::Copy(bytes);
      calls.push_back(
          rpc_.Call(options_.resolvers[r].endpoint, kResolve, std::move(request), kCallTimeout));
    }
    auto answers = co_await WhenAll(std::move(calls));
    for (auto& answer : answers) CO_RETURN_IF_ERROR(answer.status());
    while (logged_batch_ + 1 != number) co_await logged_changed_.Wait();
    resolved_through_ = version;
    // State of others.
    for (int s = 0; s < answers[0]->header.state_size(); ++s) {
      const StateTransaction& st = answers[0]->header.state(s);
      if (st.version() <= metadata_version_) continue;
      bool committed = true;
      for (auto& a : answers) committed = committed && a->header.state(s).committed();
      if (!committed) continue;
      CO_ASSIGN_OR_RETURN(MutationBatchReader reader, MutationBatchReader::Open(st.mutations()));
      while (reader.remaining() > 0) {
        CO_RETURN_IF_ERROR(reader.Next());
        metadata_.Apply(reader.mutation());
      }
    }
    // Own.
    std::vector<Verdict> verdicts(batch.size(), Verdict::committed);
    for (auto& a : answers) {
      for (size_t i = 0; i < batch.size(); ++i) {
        const auto v = static_cast<Verdict>(a->header.verdicts()[i]);
        if (v == Verdict::too_old || (v == Verdict::conflict && verdicts[i] == Verdict::committed))
          verdicts[i] = v;
      }
    }
    std::vector<std::pair<std::vector<Tag>, Mutation>> tagged;
    std::vector<std::pair<std::string, uint16_t>> ids;
    for (size_t i = 0; i < batch.size(); ++i) {
      if (verdicts[i] != Verdict::committed) continue;
      if (!batch[i].request.header.id().empty())
        ids.emplace_back(batch[i].request.header.id(), static_cast<uint16_t>(i));
      for (const MutationRef& m : batch[i].transaction.mutations) {
        Mutation own{m.type, std::string(m.key), std::string(m.value)};
        if (IsVersionstamped(m.type)) {
          CO_ASSIGN_OR_RETURN(own, SubstituteVersionstamp(m, version, static_cast<uint16_t>(i)));
        }
        const bool meta = Metadata::Touches(own);
        if (meta) metadata_.Apply(own);
        AddTagged(std::move(own), meta, tagged);
      }
    }
    for (Mutation& row : CommittedRows(version, ids)) AddTagged(std::move(row), false, tagged);
    metadata_version_ = version;
    std::vector<Task<absl::StatusOr<Message<PushReply>>>> pushes;
    for (size_t l = 0; l < logs_.size(); ++l) {
      MutationBatchWriter writer;
      for (const auto& [tags, m] : tagged) {
        std::vector<Tag> here;
        for (const Tag& tag : tags) {
          for (const size_t member : LogTeamOf(tag, options_.logs)) {
            if (member == l) here.push_back(tag);
          }
        }
        if (!here.empty()) writer.Add(here, m);
      }
      Message<PushRequest> push;
      push.header.set_previous_version(previous);
      push.header.set_version(version);
      push.header.set_known_committed(committed_);
      push.attachment = Buffer::Copy(std::move(writer).Finish());
      pushes.push_back(rpc_.Call(logs_[l], kPush, std::move(push), kCallTimeout));
    }
    logged_batch_ = number;
    logged_changed_.NotifyAll();
    for (auto& pushed : co_await WhenAll(std::move(pushes))) CO_RETURN_IF_ERROR(pushed.status());
    ReportCommittedRequest report;
    report.set_version(version);
    CO_ASSIGN_OR_RETURN(
        const auto reported,
        co_await rpc_.Call(options_.sequencer, kReportCommitted, {report}, kCallTimeout));
    committed_ = std::max<Version>(committed_, reported.header.committed_version());
    for (size_t i = 0; i < batch.size(); ++i) {
      CommitReply reply;
      reply.set_outcome(verdicts[i] == Verdict::committed  ? CommitReply::COMMITTED
                        : verdicts[i] == Verdict::conflict ? CommitReply::CONFLICT
                                                           : CommitReply::TOO_OLD);
      reply.set_version(version);
      reply.set_order(static_cast<uint32_t>(i));
      batch[i].answer.Set(std::move(reply));
    }
    --in_flight_;
    finished_.NotifyAll();
    if (pending_.empty()) tasks_.Spawn("advance", Advance(committed_));
    co_return absl::OkStatus();
  }

  Task<absl::Status> Advance(Version version) {
    std::vector<Task<absl::StatusOr<Message<AdvanceReply>>>> calls;
    for (const Endpoint& log : logs_) {
      AdvanceRequest request;
      request.set_known_committed(version);
      calls.push_back(rpc_.Call(log, kAdvanceKnownCommitted, {request}, kCallTimeout));
    }
    for (auto& each : co_await WhenAll(std::move(calls))) CO_RETURN_IF_ERROR(each.status());
    co_return absl::OkStatus();
  }

  void AddTagged(Mutation m, bool meta, std::vector<std::pair<std::vector<Tag>, Mutation>>& out) {
    if (meta) out.push_back({{kMetadataTagHere}, m});
    if (m.type == MutationType::kClearRange) {
      metadata_.shards().ForEach({m.key, m.value}, [&](const ShardMap::Location& location) {
        Mutation cut{m.type, std::string(std::max<std::string_view>(m.key, location.range.begin)),
                     std::string(std::min<std::string_view>(m.value, location.range.end))};
        out.push_back({location.shard.team, std::move(cut)});
        return true;
      });
      return;
    }
    std::vector<Tag> team = metadata_.shards().Find(m.key).shard.team;
    out.push_back({std::move(team), std::move(m)});
  }

  Env& env_;
  RpcClient& rpc_;
  CommitProxyOptions options_;
  Metadata metadata_;
  Version metadata_version_, resolved_through_, logged_, committed_;
  std::vector<Endpoint> logs_;
  std::deque<Pending> pending_;
  size_t in_flight_ = 0;
  uint64_t batch_number_ = 0, logged_batch_ = 0, answered_requests_ = 0;
  Notify arrived_, finished_, logged_changed_;
  bool ended_set_ = false;
  Promise<absl::Status> ended_;
  TaskGroup tasks_;
};

}  // namespace

Task<absl::Status> RunCommitProxy(RoleContext context, CommitProxyOptions options) {
  Proxy proxy(context.env, context.rpc, std::move(options));
  const HandlersUntilEnd handlers(context.server, context.token);
  context.server.Handle<kCommit, &Proxy::Commit>(&proxy, context.token);
  context.server.Handle<kLocate, &Proxy::Locate>(&proxy, context.token);
  context.ready.Set(absl::OkStatus());
  absl::Status ended = co_await proxy.Run();
  if (auto e = context.env.trace().Info("CommitProxyEnded")) e.Add("why", ended);
  co_return ended;
}

}  // namespace orrery
