// The shell around ReplicaState: handlers of requests, and the tasks that write, replicate, beat
// and elect.
#include "sim/examples/replicated_log/replica.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/env/buggify.h"
#include "core/observe/metrics.h"
#include "core/observe/probe.h"
#include "core/observe/role_trace.h"
#include "core/observe/trace.h"
#include "core/rpc/client.h"
#include "core/rpc/server.h"
#include "sim/examples/replicated_log/key_value_store.h"
#include "sim/examples/replicated_log/log_file.h"
#include "sim/examples/replicated_log/methods.h"
#include "sim/examples/replicated_log/replica_knobs.h"
#include "sim/examples/replicated_log/replica_state.h"

namespace orrery::sim::replicated_log {
namespace {

template <class M>
using Reply = Task<absl::StatusOr<Message<M>>>;

// "alpha of alpha,beta,gamma": what a log's first batch says.
std::string IdentityOf(const ReplicaOptions& options) {
  std::string all;
  for (const auto& member : options.members) all += (all.empty() ? "" : ",") + member.name;
  return options.members[options.self - 1].name + " of " + all;
}

RpcIdentity RpcIdentityOf(Env& env, const ReplicaOptions& options) {
  RpcIdentity identity;
  identity.cluster_id = "replicated_log";
  for (const auto& member : options.members) identity.cluster_id += "/" + member.name;
  identity.process = options.members[options.self - 1].name;
  identity.incarnation = env.random("replicated_log.incarnation").Next() | 1;
  return identity;
}

class Replica {
 public:
  Replica(Env& env, const ReplicaOptions& options, LogFile::Opened opened)
      : env_(env),
        options_(options),
        knobs_(env.knobs().Get<ReplicaKnobs>()),
        log_(std::move(opened.log)),
        state_({.self = options.self,
                .replicas = static_cast<uint32_t>(options.members.size()),
                .bug = PlantedBug(knobs_.replicated_log_planted_bug)},
               std::move(opened.state)),
        beats_(options.members.size()),
        commits_(env.metrics().AddCounter("replicated_log_applied", "entries", "entries applied")),
        batch_bytes_(env.metrics().AddHistogram("replicated_log_batch", "bytes",
                                                "bytes that became durable by one sync")),
        identity_(RpcIdentityOf(env, options)),
        rpc_(env, identity_),
        server_(env, identity_),
        tasks_(env.executor(),
               [this](std::string_view, absl::Status status) { Stop(std::move(status)); }) {}

  // Serves until Stop, and gives its status.
  Task<absl::Status> Run() {
    server_.Handle<kVote, &Replica::Vote>(this);
    server_.Handle<kAppend, &Replica::Append>(this);
    server_.Handle<kPut, &Replica::Put>(this);
    server_.Handle<kGet, &Replica::Get>(this);
    server_.Handle<kCount, &Replica::Count>(this);
    server_.Handle<kStatus, &Replica::Status>(this);
    CO_RETURN_IF_ERROR(server_.Listen(options_.listen));
    if (auto e = env_.trace().Info("ReplicaStarted")) {
      e.Add("term", state_.term()).Add("last_index", state_.last_index());
      e.Add("address", server_.address().ToString());
    }
    RestartElectionTimer();
    tasks_.Spawn("write", WriteRecords());
    tasks_.Spawn("elect", HoldElections());
    tasks_.Spawn("beat", Beat());
    for (uint32_t to = 1; to <= options_.members.size(); ++to) {
      if (to != options_.self) tasks_.Spawn("replicate", ReplicateTo(to));
    }
    co_return co_await stopped_.future();
  }

 private:
  bool leads() const { return state_.role() == ReplicaState::Role::kLeader; }

  void Stop(absl::Status status) {
    if (!stopped_.is_set()) stopped_.Set(std::move(status));
  }

  // After every call that may have changed the state: applies, and wakes whoever waits.
  void AfterChange() {
    while (applied_index_ < state_.commit_index()) {
      absl::Status applied = store_.Apply(state_.entry(applied_index_ + 1).command);
      if (!applied.ok()) return Stop(std::move(applied));
      ++applied_index_;
      commits_.Add();
    }
    if (leads() != led_) {
      led_ = leads();
      if (auto e = env_.trace().Info(led_ ? "LeadershipWon" : "LeadershipLost")) {
        e.Add("term", state_.term()).Add("last_index", state_.last_index());
      }
      if (led_) {
        TraceRoleBegan(env_.trace(), "leader", 0, state_.term());
      } else {
        TraceRoleEnded(env_.trace(), "leader", 0, "another term began");
      }
    }
    if (state_.has_records()) records_.NotifyAll();
    if (leads()) work_.NotifyAll();
    progress_.NotifyAll();
  }

  // Collects records while the last batch is being written, then writes them as the next.
  Task<absl::Status> WriteRecords() {
    for (;;) {
      while (!state_.has_records()) co_await records_.Wait();
      const uint64_t stamp = state_.last_stamp();
      std::string records = state_.TakeRecords();
      batch_bytes_.Record(records.size());
      if (Buggify(env_, "replicated_log.write.slow", OneIn(50))) {
        co_await Sleep(env_.clock(), Milliseconds(300));
      }
      absl::Status written = co_await log_->Append(std::move(records));
      if (!written.ok()) {
        PROBE(env_, "replicated_log.write_failed");
        if (auto e = env_.trace().Warn("LogWriteFailed")) e.Add("why", written);
        co_return written;
      }
      durable_stamp_ = stamp;
      state_.OnDurable(stamp);
      durable_.NotifyAll();
      AfterChange();
    }
  }

  void RestartElectionTimer() {
    const Duration least = knobs_.replicated_log_election_timeout;
    election_due_ =
        After(env_.clock().Now(), env_.random("replicated_log.election").Between(least, 2 * least));
  }

  Task<absl::Status> HoldElections() {
    for (;;) {
      co_await Sleep(env_.clock(), election_due_);
      if (leads()) RestartElectionTimer();
      if (env_.clock().Now() < election_due_) continue;
      RestartElectionTimer();
      const VoteRequest request = state_.StartElection();
      PROBE(env_, "replicated_log.election");
      if (auto e = env_.trace().Info("ElectionStarted")) e.Add("term", request.term());
      AfterChange();
      for (uint32_t to = 1; to <= options_.members.size(); ++to) {
        tasks_.Spawn("ask for vote", AskForVote(to, request, state_.needed_stamp()));
      }
    }
  }

  Task<absl::Status> AskForVote(uint32_t to, VoteRequest request, uint64_t stamp) {
    while (durable_stamp_ < stamp) co_await durable_.Wait();
    VoteReply reply;
    if (to == options_.self) {
      reply.set_term(request.term());
      reply.set_granted(true);
    } else {
      absl::StatusOr<Message<VoteReply>> answer =
          co_await rpc_.Call(options_.members[to - 1].endpoint, kVote, {request},
                             knobs_.replicated_log_append_timeout);
      if (!answer.ok()) co_return absl::OkStatus();  // A vote less.
      reply = std::move(answer->header);
    }
    state_.OnVoteReply(to, request.term(), reply);
    AfterChange();
    co_return absl::OkStatus();
  }

  // While this replica leads, a request to each follower at least once in an interval.
  Task<absl::Status> Beat() {
    for (;;) {
      while (!leads()) co_await progress_.Wait();
      const Time now = env_.clock().Now();
      for (Heartbeat& beat : beats_) beat.wanted = beat.wanted || now >= beat.due;
      work_.NotifyAll();
      co_await Sleep(env_.clock(), knobs_.replicated_log_heartbeat_interval / 2);
    }
  }

  Task<absl::Status> ReplicateTo(uint32_t to) {
    Heartbeat& beat = beats_[to - 1];
    for (;;) {
      while (!(leads() && (state_.NeedsAppend(to) || beat.wanted))) co_await work_.Wait();
      beat.wanted = false;
      beat.due = After(env_.clock().Now(), knobs_.replicated_log_heartbeat_interval / 2);
      std::string records;
      const bool one = Buggify(env_, "replicated_log.append.one", OneIn(20));
      const auto bytes_max = static_cast<size_t>(knobs_.replicated_log_append_bytes_max);
      const AppendRequest request = state_.MakeAppend(to, one ? 1 : bytes_max, records);
      absl::StatusOr<Message<AppendReply>> reply = co_await rpc_.Call(
          options_.members[to - 1].endpoint, kAppend, {request, Buffer::Copy(records)},
          knobs_.replicated_log_append_timeout);
      if (reply.ok()) {
        state_.OnAppendReply(to, request.term(), reply->header);
        AfterChange();
      } else {
        co_await Sleep(env_.clock(), knobs_.replicated_log_retry_delay);
      }
    }
  }

  // With TLS, requests between replicas are taken from members only.
  absl::Status CheckMember(uint32_t number, const CallInfo& info) const {
    const std::string& proved = info.peer->certificate;
    if (number >= 1 && number <= options_.members.size() &&
        (proved.empty() || proved == options_.members[number - 1].name)) {
      return absl::OkStatus();
    }
    return Error(ErrorCode::authentication_failed, "not a replica of this cluster: " + proved);
  }

  Reply<VoteReply> Vote(Message<VoteRequest> request, CallInfo info) {
    CO_RETURN_IF_ERROR(CheckMember(request.header.candidate(), info));
    Message<VoteReply> reply{state_.OnVote(request.header)};
    if (reply.header.granted()) RestartElectionTimer();
    const uint64_t stamp = state_.needed_stamp();
    AfterChange();
    while (durable_stamp_ < stamp) co_await durable_.Wait();
    co_return reply;
  }

  Reply<AppendReply> Append(Message<AppendRequest> request, CallInfo info) {
    CO_RETURN_IF_ERROR(CheckMember(request.header.leader(), info));
    CO_ASSIGN_OR_RETURN(std::vector<LogEntry> entries,
                        ParseEntries(request.attachment.view(), request.header.before_index() + 1));
    absl::StatusOr<AppendReply> done = state_.OnAppend(request.header, std::move(entries));
    if (!done.ok()) {
      if (auto e = env_.trace().Error("PromiseBroken")) {
        e.Add("why", done.status()).Add("term", request.header.term());
        e.Add("leader", request.header.leader());
      }
      Stop(done.status());
      co_return done.status();
    }
    Message<AppendReply> reply{*std::move(done)};
    if (request.header.term() == state_.term()) RestartElectionTimer();
    const uint64_t stamp = state_.needed_stamp();
    AfterChange();
    while (durable_stamp_ < stamp) co_await durable_.Wait();
    co_return reply;
  }

  // Whether a put of `bytes` may be taken now.
  absl::Status CheckRoom(size_t bytes) const {
    if (bytes > static_cast<size_t>(knobs_.replicated_log_put_bytes_max)) {
      return Error(ErrorCode::message_too_large, "a put may have replicated_log_put_bytes_max");
    }
    if (state_.log_bytes() + bytes > static_cast<size_t>(knobs_.replicated_log_bytes_max)) {
      return Error(ErrorCode::memory_limit, "the log has reached replicated_log_bytes_max");
    }
    const uint64_t uncommitted = state_.last_index() - state_.commit_index();
    if (uncommitted >= static_cast<uint64_t>(knobs_.replicated_log_uncommitted_entries_max)) {
      PROBE(env_, "replicated_log.overloaded");
      return Error(ErrorCode::overloaded);
    }
    return absl::OkStatus();
  }

  Reply<PutReply> Put(Message<PutRequest> request, CallInfo) {
    Message<PutReply> reply;
    if (leads()) {
      std::string command = request.header.SerializeAsString();
      CO_RETURN_IF_ERROR(CheckRoom(command.size()));
      const uint64_t term = state_.term();
      const uint64_t index = state_.Propose(std::move(command));
      AfterChange();
      while (state_.term() == term && applied_index_ < index) co_await progress_.Wait();
      reply.header.set_done(applied_index_ >= index && state_.entry(index).term == term);
    }
    reply.header.set_leader(state_.leader());
    co_return reply;
  }

  // Waits until what this replica holds may be read; false when it does not lead.
  Task<bool> AwaitReadable() {
    if (!leads()) co_return false;
    const ReplicaState::ReadTicket ticket = state_.BeginRead();
    work_.NotifyAll();
    while (state_.term() == ticket.term &&
           !(state_.ReadConfirmed(ticket) && applied_index_ >= ticket.index)) {
      co_await progress_.Wait();
    }
    co_return state_.term() == ticket.term;
  }

  Reply<GetReply> Get(Message<GetRequest> request, CallInfo) {
    Message<GetReply> reply;
    if (co_await AwaitReadable()) {
      const std::string* const value = store_.Get(request.header.key());
      reply.header.set_done(true);
      reply.header.set_found(value != nullptr);
      if (value != nullptr) reply.header.set_value(*value);
    }
    reply.header.set_leader(state_.leader());
    co_return reply;
  }

  Reply<CountReply> Count(Message<CountRequest>, CallInfo) {
    Message<CountReply> reply;
    if (co_await AwaitReadable()) {
      reply.header.set_done(true);
      reply.header.set_keys(store_.keys());
    }
    reply.header.set_leader(state_.leader());
    co_return reply;
  }

  Reply<StatusReply> Status(Message<StatusRequest>, CallInfo) {
    Message<StatusReply> reply;
    reply.header.set_term(state_.term());
    reply.header.set_leader(state_.leader());
    reply.header.set_commit_index(state_.commit_index());
    reply.header.set_applied_index(applied_index_);
    reply.header.set_digest(store_.digest());
    co_return reply;
  }

  struct Heartbeat {
    Time due{};
    bool wanted = false;
  };

  Env& env_;
  const ReplicaOptions& options_;
  const ReplicaKnobs& knobs_;
  const std::unique_ptr<LogFile> log_;
  ReplicaState state_;
  KeyValueStore store_;
  uint64_t applied_index_ = 0;
  uint64_t durable_stamp_ = 0;
  bool led_ = false;
  Time election_due_{};
  std::vector<Heartbeat> beats_;  // By replica.
  Counter& commits_;
  Histogram& batch_bytes_;

  Notify records_;   // There are records to write.
  Notify durable_;   // durable_stamp_ grew.
  Notify work_;      // A follower may need a request.
  Notify progress_;  // Anything of the state changed.
  Promise<absl::Status> stopped_;

  const RpcIdentity identity_;
  RpcClient rpc_;
  RpcServer server_;
  TaskGroup tasks_;
};

}  // namespace

Task<absl::Status> RunReplica(Env& env, ReplicaOptions options) {
  // A port in use is told before anything is written.
  CO_RETURN_IF_ERROR(env.network().Listen(options.listen).status());
  CO_ASSIGN_OR_RETURN(LogFile::Opened opened, co_await LogFile::Open(env, IdentityOf(options)));
  Replica replica(env, options, std::move(opened));
  co_return co_await replica.Run();
}

}  // namespace orrery::sim::replicated_log
