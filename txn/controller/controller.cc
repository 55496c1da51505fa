// The loop of a leader: recover, publish, watch; and the polls by which everybody learns of it.
#include "txn/controller/controller.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/timeout.h"
#include "core/async/when_all.h"
#include "core/async/when_any.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "core/rpc/endpoint_message.h"
#include "storage/server/storage_methods.h"
#include "txn/client/database.h"
#include "txn/client/id_expiry.h"
#include "txn/controller/controller_knobs.h"
#include "txn/controller/controller_methods.h"
#include "txn/controller/worker_registry.h"
#include "txn/recovery/generation_plan.h"
#include "txn/recovery/recovery.h"
#include "txn/worker/worker_methods.h"

namespace orrery {

namespace {

template <class M>
using Reply = Task<absl::StatusOr<Message<M>>>;

class Controller final : public RecoveryHost {
 public:
  Controller(RoleContext context, const ClusterFile& cluster)
      : env_(context.env),
        server_(context.server),
        rpc_(context.rpc),
        token_(context.token),
        cluster_(cluster),
        knobs_(env_.knobs().Get<ControllerKnobs>()),
        registry_(knobs_.controller_worker_life, knobs_.controller_worker_rest),
        ready_(std::move(context.ready)),
        handlers_(server_, token_) {}

  // Until the outcome of a write of the register is unknown.
  Task<absl::Status> Run() {
    server_.Handle<kRegisterWorker, &Controller::RegisterWorker>(this, token_);
    server_.Handle<kGetClientInfo, &Controller::GetClientInfo>(this, token_);
    server_.Handle<kGetClusterStatus, &Controller::GetClusterStatus>(this, token_);
    ready_.Set(absl::OkStatus());
    Duration ceiling = knobs_.controller_retry_delay_min;
    for (;;) {
      absl::Status ended = co_await RunGeneration();
      StopAccepting();
      if (CodeOf(ended) == ErrorCode::outcome_unknown) {
        PROBE(env_, "controller.died_of_unknown_write");
        co_return ended;
      }
      if (lived_ && env_.clock().Now() - accepting_since_ >= knobs_.controller_retry_delay_max) {
        ceiling = knobs_.controller_retry_delay_min;
      }
      if (CodeOf(ended) == ErrorCode::not_created) {
        Report("reading the register", "no database was created here; see orrery init");
        co_await AwaitCreation();
        continue;
      }
      if (auto e = env_.trace().Info("GenerationEnded")) {
        e.Add("generation", state_.log_system().generation()).Add("why", ended);
        e.Add("had_begun", lived_);
      }
      reason_ = "the last attempt ended: " + Describe(ended);
      co_await Sleep(env_.clock(), env_.random("controller.retry").Between(Duration(0), ceiling));
      ceiling = std::min(ceiling * 2, knobs_.controller_retry_delay_max);
    }
  }

  // Without a Read, which would overtake whoever creates it, again and again if that is far away.
  Task<void> AwaitCreation() {
    RegisterClient reg(env_, rpc_, cluster_);
    do {
      co_await Sleep(env_.clock(), knobs_.controller_not_created_delay);
    } while (!co_await reg.IsWritten());
  }

  // ---- RecoveryHost.

  std::vector<WorkerInfo> Workers() override { return registry_.Known(env_.clock().Now()); }

  std::vector<WorkerInfo> TrustedWorkers() override {
    return registry_.Trusted(env_.clock().Now());
  }

  void Report(std::string state, std::string reason) override {
    if (state == recovery_state_ && reason == reason_) return;
    if (auto e = env_.trace().Info("RecoveryState")) e.Add("state", state).Add("reason", reason);
    recovery_state_ = std::move(state);
    reason_ = std::move(reason);
  }

  void Distrust(uint64_t log_id) override {
    distrusted_[log_id] = After(env_.clock().Now(), knobs_.controller_distrust);
  }

  void WorkerFailed(const WorkerInfo& worker) override {
    LetRest(worker.process(), worker.endpoint().incarnation());
  }

  bool IsDistrusted(uint64_t log_id) const override {
    const auto at = distrusted_.find(log_id);
    return at != distrusted_.end() && env_.clock().Now() < at->second;
  }

 private:
  // One generation from the register's read to the death of one of its roles: an error in any case.
  Task<absl::Status> RunGeneration() {
    lived_ = false;
    Report("reading the register", reason_);
    RegisterClient reg(env_, rpc_, cluster_);
    CO_ASSIGN_OR_RETURN(const std::string value, co_await reg.Read());
    GenerationRecord record;
    if (value.empty()) co_return Error(ErrorCode::not_created);
    if (!record.ParseFromString(value)) {
      co_return Error(ErrorCode::file_corrupt, "the generation record does not parse");
    }
    const Time now = env_.clock().Now();
    std::erase_if(distrusted_, [&](const auto& each) { return each.second <= now; });
    CO_ASSIGN_OR_RETURN(generation_,
                        co_await RecoverGeneration(env_, rpc_, reg, std::move(record), *this));
    Publish();
    Database database(env_, rpc_, cluster_);
    auto first = co_await WhenAny(WatchRoles(), Drain(), ExpireCommitIds(env_, database));
    co_return std::visit([](absl::Status why) { return why; }, std::move(first));
  }

  // ---- What is published.

  // Only what the coordinators have.
  void Publish() {
    ++recoveries_;
    lived_ = true;
    accepting_since_ = env_.clock().Now();
    state_.set_state_id(state_.state_id() + 1);
    *state_.mutable_log_system() = generation_.record.log_system();
    state_.clear_storage_ids();
    for (const auto& [tag, server] : generation_.metadata.servers()) {
      state_.add_storage_ids(server.storage_id());
    }
    state_.clear_roles();
    for (const RoleInfo& role : generation_.roles) *state_.add_roles() = role;
    state_.set_accepting_commits(true);
    ReportProgress();
    changed_.NotifyAll();
  }

  void PublishDrained() {
    state_.set_state_id(state_.state_id() + 1);
    *state_.mutable_log_system() = generation_.record.log_system();
    ReportProgress();
    changed_.NotifyAll();
  }

  void ReportProgress() {
    const bool drained = state_.log_system().sets_size() == 1;
    Report(drained ? "fully recovered" : "accepting commits", "");
  }

  // Clients get nothing until the next generation; workers go on as they are.
  void StopAccepting() {
    state_.set_accepting_commits(false);
    changed_.NotifyAll();
  }

  uint64_t client_generation() const {
    return state_.accepting_commits() ? state_.log_system().generation() : 0;
  }

  // Its poll, if it lives, is answered at once, so that it asks again.
  void LetRest(const std::string& process, uint64_t incarnation) {
    registry_.Failed(process, incarnation, env_.clock().Now());
    changed_.NotifyAll();
  }

  // ---- Watching.

  // Until one has ended: why.
  Task<absl::Status> WatchRoles() {
    std::vector<Task<absl::Status>> watches;
    watches.reserve(generation_.roles.size());
    for (const RoleInfo& role : generation_.roles) watches.push_back(WatchRole(role));
    auto first = co_await WhenAny(std::move(watches));
    co_return first.value;
  }

  Task<absl::Status> WatchRole(RoleInfo role) {
    const Endpoint at = FromMessage(role.endpoint());
    Endpoint worker = at;
    worker.token = kWorkerToken;
    for (;;) {
      Message<AwaitRoleEndRequest> request;
      request.header.set_token(at.token);
      const Duration wait = knobs_.controller_role_poll_wait;
      request.header.set_wait_us(static_cast<uint64_t>(wait / Microseconds(1)));
      absl::StatusOr<Message<AwaitRoleEndReply>> reply = co_await rpc_.Call(
          worker, kAwaitRoleEnd, std::move(request), wait + knobs_.controller_role_poll_slack);
      const std::string who = RoleInfo::Kind_Name(role.kind()) + " on " + role.process();
      if (!reply.ok()) {
        LetRest(role.process(), at.incarnation);
        co_return Error(ErrorCode::generation_ended, who + ": " + Describe(reply.status()));
      }
      if (reply->header.ended()) {
        co_return Error(ErrorCode::generation_ended, who + " ended: " + reply->header.why());
      }
    }
  }

  // ---- Draining.

  // While there are old log sets: drops those that every storage server has. Then waits for ever.
  // An error ends the generation.
  Task<absl::Status> Drain() {
    while (state_.log_system().sets_size() > 1) {
      co_await Sleep(env_.clock(), knobs_.controller_drain_interval);
      const Version durable = co_await LeastDurable();
      GenerationRecord left = WithoutDrained(generation_.record, durable);
      if (left.log_system().sets_size() == state_.log_system().sets_size()) continue;
      CO_RETURN_IF_ERROR(co_await WriteDrained(std::move(left)));
    }
    Notify never;
    for (;;) co_await never.Wait();
  }

  // Up to where every storage server has everything durably; kInvalidVersion if one does not say.
  Task<Version> LeastDurable() {
    std::vector<Task<Version>> questions;
    for (const auto& [tag, server] : generation_.metadata.servers()) {
      questions.push_back(DurableVersionOf(server));
    }
    const std::vector<Version> answers = co_await WhenAll(std::move(questions));
    Version least = kVersionMax;
    for (const Version version : answers) least = std::min(least, version);
    co_return answers.empty() ? kInvalidVersion : least;
  }

  Task<Version> DurableVersionOf(StorageServerRow server) {
    Endpoint at = FromMessage(server.endpoint());
    at.token = server.storage_id();
    absl::StatusOr<Message<StorageStatusReply>> reply = co_await rpc_.Call(
        at, kStorageStatus, Message<StorageStatusRequest>{}, knobs_.controller_drain_timeout);
    if (reply.ok() && reply->header.storage_id() == server.storage_id()) {
      co_return reply->header.durable_version();
    }
    if (auto e = env_.trace().Info("DrainWaits")) {
      e.Add("storage_id", server.storage_id()).Add("why", reply.status());
    }
    co_return kInvalidVersion;
  }

  Task<absl::StatusOr<std::string>> ReadRegister(RegisterClient* reg) {
    co_return co_await reg->Read();
  }

  // At a register generation of its own, and only over the record of this very generation.
  Task<absl::Status> WriteDrained(GenerationRecord left) {
    RegisterClient reg(env_, rpc_, cluster_);
    absl::StatusOr<std::string> value =
        co_await Timeout(env_.clock(), knobs_.controller_drain_timeout, ReadRegister(&reg));
    if (!value.ok()) {
      if (auto e = env_.trace().Info("DrainWaits")) e.Add("why", value.status());
      co_return absl::OkStatus();  // Tried again after the interval.
    }
    if (*value != generation_.record.SerializeAsString()) {
      PROBE(env_, "controller.overtaken");
      co_return Error(ErrorCode::generation_ended, "another controller wrote the record");
    }
    absl::Status written =
        co_await reg.Write(left.SerializeAsString(), knobs_.controller_write_timeout);
    if (!written.ok()) {
      co_return Error(ErrorCode::outcome_unknown,
                      "the write of the drained record: " + Describe(written));
    }
    if (auto e = env_.trace().Info("LogSetsDrained")) {
      e.Add("generation", left.generation()).Add("left", left.log_system().sets_size());
    }
    generation_.record = std::move(left);
    PublishDrained();
    co_return absl::OkStatus();
  }

  // ---- Polls.

  Duration WaitOf(uint64_t wait_us) const {
    const auto asked = static_cast<int64_t>(std::min<uint64_t>(wait_us, INT32_MAX));
    return std::min(Microseconds(asked), knobs_.controller_poll_wait_max);
  }

  bool NewerThan(uint64_t generation, uint64_t state_id) const {
    return std::pair(state_.log_system().generation(), state_.state_id()) >
           std::pair(generation, state_id);
  }

  // Counts the poll of a worker as long as it lives.
  class Poll {
   public:
    Poll(Controller& controller, const WorkerInfo& worker)
        : controller_(controller),
          process_(worker.process()),
          number_(controller.registry_.Begin(worker)) {}
    Poll(const Poll&) = delete;
    Poll& operator=(const Poll&) = delete;
    ~Poll() { controller_.registry_.End(process_, number_, controller_.env_.clock().Now()); }

    bool counts() const { return controller_.registry_.Counts(process_, number_); }

   private:
    Controller& controller_;
    const std::string process_;
    const uint64_t number_;
  };

  Task<absl::Status> AwaitNews(const Poll* poll, uint64_t generation, uint64_t state_id) {
    while (!NewerThan(generation, state_id) && poll->counts()) co_await changed_.Wait();
    co_return absl::OkStatus();
  }

  Reply<RegisterWorkerReply> RegisterWorker(Message<RegisterWorkerRequest> request, CallInfo) {
    const uint64_t generation = request.header.known_generation();
    const uint64_t state_id = request.header.known_state_id();
    const Poll poll(*this, request.header.worker());
    // Out of time: there is nothing newer.
    (void)co_await Timeout(env_.clock(), WaitOf(request.header.wait_us()),
                           AwaitNews(&poll, generation, state_id));
    Message<RegisterWorkerReply> reply;
    if (NewerThan(generation, state_id)) *reply.header.mutable_state() = state_;
    co_return reply;
  }

  Task<absl::Status> AwaitOtherGeneration(uint64_t generation) {
    while (client_generation() == generation) co_await changed_.Wait();
    co_return absl::OkStatus();
  }

  Reply<ClientInfoReply> GetClientInfo(Message<ClientInfoRequest> request, CallInfo) {
    // Out of time: the answer is the same as before.
    (void)co_await Timeout(env_.clock(), WaitOf(request.header.wait_us()),
                           AwaitOtherGeneration(request.header.known_generation()));
    Message<ClientInfoReply> reply;
    reply.header.set_generation(client_generation());
    if (client_generation() == 0) co_return reply;
    for (const RoleInfo& role : state_.roles()) {
      if (role.kind() == RoleInfo::GRV_PROXY) *reply.header.add_grv_proxies() = role.endpoint();
      if (role.kind() == RoleInfo::COMMIT_PROXY) {
        *reply.header.add_commit_proxies() = role.endpoint();
      }
    }
    co_return reply;
  }

  Reply<ClusterStatusReply> GetClusterStatus(Message<ClusterStatusRequest>, CallInfo) {
    Message<ClusterStatusReply> reply;
    ClusterStatusReply& status = reply.header;
    status.set_generation(state_.log_system().generation());
    status.set_recovery_state(recovery_state_);
    status.set_reason(reason_);
    status.set_recoveries(recoveries_);
    for (WorkerInfo& worker : Workers()) *status.add_workers() = std::move(worker);
    *status.mutable_state() = state_;
    if (recoveries_ == 0) co_return reply;
    for (const Mutation& row : generation_.metadata.configuration().Rows()) {
      status.add_configuration(row.key.substr(kConfigurationPrefix.size()) + "=" + row.value);
    }
    if (generation_.record.jumps_size() > 0) {
      status.set_recovery_version(generation_.record.jumps().rbegin()->recovery_version());
    }
    if (state_.accepting_commits()) {
      const Duration since = env_.clock().Now() - accepting_since_;
      status.set_accepting_us(static_cast<uint64_t>(since / Microseconds(1)));
    }
    status.set_old_log_sets(static_cast<uint32_t>(state_.log_system().sets_size() - 1));
    for (const auto& [tag, server] : generation_.metadata.servers()) {
      StorageTagInfo& info = *status.add_storage();
      info.set_storage_id(server.storage_id());
      info.set_tag_id(server.tag_id());
      *info.mutable_endpoint() = server.endpoint();
      info.set_zone(server.zone());
    }
    co_return reply;
  }

  Env& env_;
  RpcServer& server_;
  RpcClient& rpc_;
  const uint64_t token_;
  const ClusterFile& cluster_;
  const ControllerKnobs& knobs_;

  WorkerRegistry registry_;
  std::map<uint64_t, Time> distrusted_;  // Log ids, and until when.
  std::string recovery_state_ = "reading the register";
  std::string reason_;
  uint32_t recoveries_ = 0;
  bool lived_ = false;  // The last attempt became a generation.
  Time accepting_since_{};
  RecoveredGeneration generation_;  // The last one.
  ClusterState state_;              // As published last; generation 0: not yet.
  Notify changed_;

  Promise<absl::Status> ready_;
  HandlersUntilEnd handlers_;
};

}  // namespace

Task<absl::Status> RunController(RoleContext context, const ClusterFile& cluster) {
  Controller controller(std::move(context), cluster);
  co_return co_await controller.Run();
}

}  // namespace orrery
