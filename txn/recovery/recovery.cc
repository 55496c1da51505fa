// One attempt, phase by phase. Every await is bounded, except for the waits for silent logs and for
// workers, which report why they wait.
#include "txn/recovery/recovery.h"

#include <optional>
#include <utility>

#include "core/async/sleep.h"
#include "core/async/timeout.h"
#include "core/base/invariant.h"
#include "core/env/buggify.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "core/rpc/endpoint_message.h"
#include "storage/log/log_cursor.h"
#include "storage/log/log_methods.h"
#include "storage/log/log_team.h"
#include "txn/recovery/all_ok.h"
#include "txn/recovery/generation_plan.h"
#include "txn/recovery/lock_logs.h"
#include "txn/recovery/placement.h"
#include "txn/recovery/recovery_knobs.h"
#include "txn/worker/worker_methods.h"

namespace orrery {
namespace {

using Steps = std::vector<Task<absl::Status>>;

class Recovery {
 public:
  Recovery(Env& env, RpcClient& rpc, RegisterClient& reg, GenerationRecord record,
           RecoveryHost& host)
      : env_(env),
        rpc_(rpc),
        knobs_(env.knobs().Get<RecoveryKnobs>()),
        reg_(reg),
        last_(std::move(record)),
        host_(host),
        generation_(last_.generation() + 1),
        first_(last_.log_system().sets().empty()) {}

  Task<absl::StatusOr<RecoveredGeneration>> Run() {
    CO_RETURN_IF_ERROR(co_await TakeOver());
    CO_RETURN_IF_ERROR(co_await Place());
    host_.Report(first_ ? "recruiting" : "copying", "");
    absl::Status recruited = co_await RecruitFirst();
    if (!recruited.ok()) {
      co_await FindUndelivering();
      co_return recruited;
    }
    CO_RETURN_IF_ERROR(MakePlan());
    CO_RETURN_IF_ERROR(co_await PushAndRecruitProxies());
    CO_RETURN_IF_ERROR(co_await Write());
    co_await Advance();
    co_return RecoveredGeneration{std::move(next_), std::move(metadata_), std::move(roles_)};
  }

 private:
  const LogSet& old_set() const { return *last_.log_system().sets().rbegin(); }
  LogSet& new_set() { return *next_.mutable_log_system()->mutable_sets()->rbegin(); }

  // ---- The end of the last generation.

  Task<absl::Status> TakeOver() {
    if (first_) {
      takeover_ = FirstTakeover(last_);
      std::vector<std::string> configuration(last_.initial_configuration().begin(),
                                             last_.initial_configuration().end());
      CO_ASSIGN_OR_RETURN(metadata_, FirstMetadata(configuration, {}));
      co_return absl::OkStatus();
    }
    host_.Report("locking logs", "");
    CO_ASSIGN_OR_RETURN(decision_, co_await LockLogs(env_, rpc_, old_set(), generation_, host_));
    takeover_ = {decision_.recovery_version, decision_.known_committed};
    if (auto e = env_.trace().Info("RecoveryVersionDecided")) {
      e.Add("generation", generation_).Add("recovery_version", takeover_.recovery_version);
      e.Add("known_committed", takeover_.known_committed);
      e.Add("silent", decision_.silent.size()).Add("damaged", decision_.damaged.size());
    }
    if (takeover_.recovery_version < old_set().first_version()) {
      co_return Error(ErrorCode::check_failed,
                      "the logs have lost the first version of their generation");
    }
    absl::Status read =
        co_await Timeout(env_.clock(), knobs_.recovery_metadata_timeout, ReadMetadata());
    if (!read.ok()) co_await FindUndelivering();
    co_return read;
  }

  // The old logs that hold everything up to the recovery version.
  std::vector<LogMember> CompleteLogs() const {
    std::vector<LogMember> logs;
    logs.reserve(decision_.complete.size());
    for (const size_t i : decision_.complete) logs.push_back(old_set().logs(static_cast<int>(i)));
    return logs;
  }

  Task<absl::Status> ReadMetadata() {
    LogSet set = old_set();
    set.clear_logs();
    for (LogMember& log : CompleteLogs()) *set.add_logs() = std::move(log);
    CO_ASSIGN_OR_RETURN(metadata_, co_await ReadMetadataFrom(std::move(set)));
    co_return absl::OkStatus();
  }

  // The logs of `set` may have popped the metadata up to one snapshot or another.
  Task<absl::StatusOr<Metadata>> ReadMetadataFrom(LogSet set) {
    CO_ASSIGN_OR_RETURN(const std::vector<LogCursor::Messages> read,
                        co_await ReadLockedSet(
                            env_, rpc_, std::move(set), kMetadataTag, old_set().first_version() - 1,
                            takeover_.recovery_version, WhatWasPopped::kBeginsBehind));
    std::vector<std::string_view> batches;
    for (const LogCursor::Messages& messages : read) {
      for (const LogCursor::VersionMessages& version : messages.versions) {
        if (batches.empty() && version.version != old_set().first_version()) {
          PROBE(env_, "recovery.metadata_from_later_snapshot");
        }
        batches.push_back(version.batch);
      }
    }
    co_return MetadataOf(batches);
  }

  // Somebody could not read what the old logs claim to have. Whoever does not deliver counts as
  // silent in the next attempt.
  Task<> FindUndelivering() {
    if (first_) co_return;
    PROBE(env_, "recovery.undelivered");
    for (const LogMember& log : CompleteLogs()) {
      absl::Status delivers =
          co_await Timeout(env_.clock(), knobs_.recovery_probe_timeout, CheckDelivers(log));
      if (delivers.ok()) continue;
      if (auto e = env_.trace().Warn("LogUndelivering")) {
        e.Add("log_id", log.log_id()).Add("why", delivers);
      }
      host_.Distrust(log.log_id());
    }
  }

  Task<absl::Status> CheckDelivers(LogMember log) {
    LogSet alone = old_set();
    alone.clear_logs();
    *alone.add_logs() = log;
    CO_RETURN_IF_ERROR((co_await ReadMetadataFrom(alone)).status());
    for (const Tag tag : StorageTags(metadata_)) {
      bool in_team = false;
      for (const size_t i : LogTeamOf(tag, old_set())) {
        in_team = in_team || old_set().logs(static_cast<int>(i)).log_id() == log.log_id();
      }
      if (!in_team) continue;
      CO_RETURN_IF_ERROR(
          (co_await ReadLockedSet(env_, rpc_, alone, tag, takeover_.known_committed,
                                  takeover_.recovery_version, WhatWasPopped::kLeaveOut))
              .status());
    }
    co_return absl::OkStatus();
  }

  // ---- Recruiting.

  Task<absl::Status> Place() {
    host_.Report("recruiting", "");
    const Time settled = After(env_.clock().Now(), knobs_.recovery_placement_wait);
    const Time give_up = After(env_.clock().Now(), knobs_.recovery_wait_max);
    for (;;) {
      workers_ = host_.TrustedWorkers();
      placement_ = PlaceGeneration(workers_, metadata_.configuration(), first_);
      if (!placement_.missing.empty()) {
        workers_ = host_.Workers();
        placement_ = PlaceGeneration(workers_, metadata_.configuration(), first_);
      }
      const bool possible = placement_.missing.empty();
      if (possible && (placement_.good || env_.clock().Now() >= settled)) break;
      if (!possible) {
        PROBE(env_, "recovery.waited_for_workers");
        host_.Report("recruiting", placement_.missing);
        if (env_.clock().Now() >= give_up) {
          PROBE(env_, "recovery.gave_up_waiting_for_workers");
          co_return Error(ErrorCode::generation_ended, placement_.missing);
        }
      }
      co_await Sleep(env_.clock(), knobs_.recovery_worker_poll_interval);
    }
    if (auto e = env_.trace().Info("GenerationPlaced")) {
      e.Add("generation", generation_).Add("workers", workers_.size());
      e.Add("logs", placement_.logs.size()).Add("good", placement_.good);
    }
    for (size_t i = 0; i < placement_.commit_proxies.size(); ++i) proxy_ids_.push_back(DrawId());
    resolvers_.resize(placement_.resolvers.size());
    logs_.resize(placement_.logs.size());
    servers_.resize(placement_.storage.size());
    co_return absl::OkStatus();
  }

  uint64_t DrawId() {
    uint64_t id = 0;
    while (id <= kWorkerToken) id = env_.random("recovery.id").Next();
    return id;
  }

  template <class Req>
  Task<absl::StatusOr<EndpointMessage>> Recruit(size_t worker, RoleInfo::Kind kind,
                                                Method<Req, RecruitReply> method,
                                                Message<Req> request, Duration timeout) {
    const WorkerInfo& host = workers_[worker];
    absl::StatusOr<Message<RecruitReply>> reply =
        co_await rpc_.Call(FromMessage(host.endpoint()), method, std::move(request), timeout);
    if (!reply.ok()) {
      if (auto e = env_.trace().Info("RecruitFailed")) {
        e.Add("kind", RoleInfo::Kind_Name(kind)).Add("process", host.process());
        e.Add("why", reply.status());
      }
      const ErrorCode code = CodeOf(reply.status());
      if (code == ErrorCode::connection_failed || code == ErrorCode::stale_endpoint ||
          code == ErrorCode::timed_out) {
        host_.WorkerFailed(host);
      }
      co_return reply.status();
    }
    if (kind != RoleInfo::STORAGE) {
      RoleInfo& role = roles_.emplace_back();
      role.set_kind(kind);
      *role.mutable_endpoint() = reply->header.endpoint();
      role.set_process(host.process());
    }
    co_return reply->header.endpoint();
  }

  // What depends on nothing else: logs, sequencer, resolvers, and a new database's storage servers.
  Task<absl::Status> RecruitFirst() {
    Steps steps;
    for (size_t i = 0; i < logs_.size(); ++i) steps.push_back(RecruitLog(i));
    for (size_t i = 0; i < servers_.size(); ++i) steps.push_back(RecruitStorage(i));
    for (size_t i = 0; i < resolvers_.size(); ++i) steps.push_back(RecruitResolver(i));
    steps.push_back(RecruitSequencer());
    co_return co_await AllOk(env_.executor(), std::move(steps));
  }

  Version first_version() const { return FirstVersionAfter(last_, takeover_.recovery_version); }

  Task<absl::Status> RecruitLog(size_t i) {
    Message<RecruitLogRequest> request;
    const uint64_t id = DrawId();
    request.header.set_log_id(id);
    request.header.set_generation(generation_);
    request.header.set_recovery_version(takeover_.recovery_version);
    request.header.set_copy_after(takeover_.known_committed);
    if (!first_) {
      *request.header.mutable_copy_from() = old_set();
      for (const Tag tag : StorageTags(metadata_)) {
        TagMessage& copy = *request.header.add_copy_tags();
        copy.set_kind(static_cast<uint32_t>(tag.kind));
        copy.set_id(tag.id);
      }
    }
    const size_t worker = placement_.logs[i];
    CO_ASSIGN_OR_RETURN(const EndpointMessage at,
                        co_await Recruit(worker, RoleInfo::LOG, kRecruitLog, std::move(request),
                                         knobs_.recovery_copy_timeout));
    logs_[i].set_log_id(id);
    *logs_[i].mutable_endpoint() = at;
    logs_[i].mutable_endpoint()->clear_incarnation();
    logs_[i].set_zone(workers_[worker].zone());
    co_return absl::OkStatus();
  }

  Task<absl::Status> RecruitStorage(size_t i) {
    Message<RecruitStorageRequest> request;
    const uint64_t id = DrawId();
    request.header.set_generation(generation_);
    request.header.set_storage_id(id);
    request.header.set_tag_id(static_cast<uint32_t>(i));
    const size_t worker = placement_.storage[i];
    CO_ASSIGN_OR_RETURN(const EndpointMessage at,
                        co_await Recruit(worker, RoleInfo::STORAGE, kRecruitStorage,
                                         std::move(request), knobs_.recovery_recruit_timeout));
    servers_[i].set_storage_id(id);
    servers_[i].set_tag_id(static_cast<uint32_t>(i));
    *servers_[i].mutable_endpoint() = at;
    servers_[i].mutable_endpoint()->clear_incarnation();
    servers_[i].set_zone(workers_[worker].zone());
    co_return absl::OkStatus();
  }

  Task<absl::Status> RecruitSequencer() {
    Message<RecruitSequencerRequest> request;
    request.header.set_generation(generation_);
    request.header.set_first_version(first_version());
    for (const uint64_t id : proxy_ids_) request.header.add_proxy_ids(id);
    request.header.set_window(last_.window());
    CO_ASSIGN_OR_RETURN(
        sequencer_, co_await Recruit(placement_.sequencer, RoleInfo::SEQUENCER, kRecruitSequencer,
                                     std::move(request), knobs_.recovery_recruit_timeout));
    co_return absl::OkStatus();
  }

  Task<absl::Status> RecruitResolver(size_t i) {
    Message<RecruitResolverRequest> request;
    request.header.set_generation(generation_);
    request.header.set_first_version(first_version());
    for (const uint64_t id : proxy_ids_) request.header.add_proxy_ids(id);
    request.header.set_index(static_cast<uint32_t>(i));
    request.header.set_window(last_.window());
    CO_ASSIGN_OR_RETURN(resolvers_[i], co_await Recruit(placement_.resolvers[i], RoleInfo::RESOLVER,
                                                        kRecruitResolver, std::move(request),
                                                        knobs_.recovery_recruit_timeout));
    co_return absl::OkStatus();
  }

  Task<absl::Status> RecruitGrvProxy(size_t i) {
    Message<RecruitGrvProxyRequest> request;
    request.header.set_generation(generation_);
    *request.header.mutable_sequencer() = sequencer_;
    *request.header.mutable_logs() = new_set();
    co_return (co_await Recruit(placement_.grv_proxies[i], RoleInfo::GRV_PROXY, kRecruitGrvProxy,
                                std::move(request), knobs_.recovery_recruit_timeout))
        .status();
  }

  Task<absl::Status> RecruitCommitProxy(size_t i) {
    Message<RecruitCommitProxyRequest> request;
    request.header.set_generation(generation_);
    request.header.set_proxy_id(proxy_ids_[i]);
    *request.header.mutable_sequencer() = sequencer_;
    const std::vector<Key> begins = ResolverBegins(static_cast<uint32_t>(resolvers_.size()));
    for (size_t r = 0; r < resolvers_.size(); ++r) {
      auto& part = *request.header.add_resolvers();
      part.set_begin(begins[r]);
      *part.mutable_endpoint() = resolvers_[r];
    }
    *request.header.mutable_logs() = new_set();
    request.header.set_first_version(new_set().first_version());
    request.header.set_window(last_.window());
    request.attachment = Buffer::Copy(RowsBatch(metadata_));
    co_return (co_await Recruit(placement_.commit_proxies[i], RoleInfo::COMMIT_PROXY,
                                kRecruitCommitProxy, std::move(request),
                                knobs_.recovery_recruit_timeout))
        .status();
  }

  // ---- The next generation.

  absl::Status MakePlan() {
    if (first_) {
      std::vector<std::string> configuration(last_.initial_configuration().begin(),
                                             last_.initial_configuration().end());
      ASSIGN_OR_RETURN(metadata_, FirstMetadata(configuration, servers_));
    }
    next_ = NextRecord(last_, takeover_, metadata_.configuration().replication, std::move(logs_));
    return absl::OkStatus();
  }

  // The proxies cannot push before the recovery transaction is there, and nobody knows them yet.
  Task<absl::Status> PushAndRecruitProxies() {
    std::vector<std::string> batches =
        BatchesOf(RecoveryTransaction(metadata_, takeover_.recovery_version, first_), new_set());
    Steps steps;
    for (size_t i = 0; i < batches.size(); ++i) {
      steps.push_back(Push(new_set().logs(static_cast<int>(i)), std::move(batches[i])));
    }
    for (size_t i = 0; i < placement_.grv_proxies.size(); ++i) steps.push_back(RecruitGrvProxy(i));
    for (size_t i = 0; i < placement_.commit_proxies.size(); ++i) {
      steps.push_back(RecruitCommitProxy(i));
    }
    co_return co_await AllOk(env_.executor(), std::move(steps));
  }

  Task<absl::Status> Push(LogMember log, std::string batch) {
    Message<PushRequest> request;
    request.header.set_previous_version(takeover_.recovery_version);
    request.header.set_version(new_set().first_version());
    request.header.set_known_committed(takeover_.recovery_version);
    request.attachment = Buffer::Copy(batch);
    co_return (co_await rpc_.Call(FromMessage(log.endpoint()), kPush, std::move(request),
                                  knobs_.recovery_push_timeout))
        .status();
  }

  Task<absl::Status> Write() {
    host_.Report("writing the register", "");
    if (Buggify(env_, "recovery.before_write", OneIn(20))) {
      co_await Sleep(env_.clock(), env_.random("recovery.slow").Between(Seconds(0), Seconds(3)));
    }
    absl::Status written =
        co_await reg_.Write(next_.SerializeAsString(), knobs_.recovery_write_timeout);
    if (auto e = env_.trace().Info("GenerationWritten")) {
      e.Add("generation", generation_).Add("first_version", new_set().first_version());
      e.Add("outcome", written);
    }
    if (written.ok()) co_return written;
    PROBE(env_, "recovery.write_unknown");
    co_return Error(ErrorCode::outcome_unknown,
                    "the write of the generation record: " + Describe(written));
  }

  // The recovery transaction is committed now. Errors show in the watch of the roles.
  Task<> Advance() {
    Steps steps;
    for (const LogMember& log : new_set().logs()) steps.push_back(AdvanceOne(log));
    if (absl::Status all = co_await AllOk(env_.executor(), std::move(steps)); !all.ok()) {
      if (auto e = env_.trace().Info("AdvanceFailed")) e.Add("why", all);
    }
  }

  Task<absl::Status> AdvanceOne(LogMember log) {
    Message<AdvanceRequest> request;
    request.header.set_known_committed(new_set().first_version());
    co_return (co_await rpc_.Call(FromMessage(log.endpoint()), kAdvanceKnownCommitted,
                                  std::move(request), knobs_.recovery_advance_timeout))
        .status();
  }

  Env& env_;
  RpcClient& rpc_;
  const RecoveryKnobs& knobs_;
  RegisterClient& reg_;
  const GenerationRecord last_;
  RecoveryHost& host_;
  const uint64_t generation_;
  const bool first_;  // Of the database.

  RecoveryDecision decision_;
  Takeover takeover_;
  Metadata metadata_;
  std::vector<WorkerInfo> workers_;
  Placement placement_;
  std::vector<uint64_t> proxy_ids_;
  EndpointMessage sequencer_;
  std::vector<EndpointMessage> resolvers_;
  std::vector<LogMember> logs_;
  std::vector<StorageServerRow> servers_;
  std::vector<RoleInfo> roles_;
  GenerationRecord next_;
};

}  // namespace

Task<absl::StatusOr<RecoveredGeneration>> RecoverGeneration(Env& env, RpcClient& rpc,
                                                            RegisterClient& reg,
                                                            GenerationRecord record,
                                                            RecoveryHost& host) {
  Recovery recovery(env, rpc, reg, std::move(record), host);
  co_return co_await recovery.Run();
}

}  // namespace orrery
