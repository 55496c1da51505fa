// The worker's shell: a table of roles by token, the stores on the disk, and what published states
// do to both.
#include "txn/worker/worker.h"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/ascii.h"
#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "core/async/when_any.h"
#include "core/base/invariant.h"
#include "core/env/buggify.h"
#include "core/observe/probe.h"
#include "core/observe/role_trace.h"
#include "core/observe/trace.h"
#include "core/rpc/endpoint_message.h"
#include "storage/log/log_server.h"
#include "storage/log/log_system_view.h"
#include "storage/server/storage_server.h"
#include "txn/controller/controller_methods.h"
#include "txn/proxy/commit_proxy.h"
#include "txn/proxy/grv_proxy.h"
#include "txn/resolver/resolver.h"
#include "txn/sequencer/sequencer.h"
#include "txn/worker/recruit_options.h"
#include "txn/worker/store_directory.h"
#include "txn/worker/worker_knobs.h"
#include "txn/worker/worker_methods.h"

namespace orrery {

namespace {

template <class M>
using Reply = Task<absl::StatusOr<Message<M>>>;

// "commit_proxy"
std::string RoleName(RoleInfo::Kind kind) {
  return absl::AsciiStrToLower(RoleInfo::Kind_Name(kind));
}

// Whether a store's role that ended so means that the disk must not be used any more.
bool IsDiskFailure(const absl::Status& status) {
  switch (CodeOf(status)) {
    case ErrorCode::io_error:
    case ErrorCode::disk_full:
    case ErrorCode::platform_error:
    case ErrorCode::checksum_failed:
    case ErrorCode::file_corrupt:
      return true;
    default:
      return false;
  }
}

class Worker {
 public:
  Worker(RoleContext context, WorkerOptions options, LeaderWatch& leader)
      : env_(context.env),
        server_(context.server),
        rpc_(context.rpc),
        knobs_(env_.knobs().Get<WorkerKnobs>()),
        options_(std::move(options)),
        leader_(leader),
        ready_(std::move(context.ready)),
        handlers_(server_, context.token),
        tasks_(env_.executor(),
               [this](std::string_view, absl::Status status) { Stop(std::move(status)); }) {
    INVARIANT(context.token == kWorkerToken);
  }

  // Serves until Stop, and gives its status.
  Task<absl::Status> Run() {
    CO_RETURN_IF_ERROR(co_await OpenStores());
    server_.Handle<kRecruitLog, &Worker::RecruitLog>(this, kWorkerToken);
    server_.Handle<kRecruitSequencer, &Worker::RecruitSequencer>(this, kWorkerToken);
    server_.Handle<kRecruitResolver, &Worker::RecruitResolver>(this, kWorkerToken);
    server_.Handle<kRecruitGrvProxy, &Worker::RecruitGrvProxy>(this, kWorkerToken);
    server_.Handle<kRecruitCommitProxy, &Worker::RecruitCommitProxy>(this, kWorkerToken);
    server_.Handle<kRecruitStorage, &Worker::RecruitStorage>(this, kWorkerToken);
    server_.Handle<kAwaitRoleEnd, &Worker::AwaitRoleEnd>(this, kWorkerToken);
    ready_.Set(absl::OkStatus());
    tasks_.Spawn("register", Register());
    co_return co_await stopped_.future();
  }

 private:
  struct Role {
    RoleInfo::Kind kind;
    uint64_t generation;
    bool published;  // Named by a published state, or a store that lay on the disk.
    std::unique_ptr<LogSystemView> view;  // Of a storage server; it changes when a state names it.
    TaskGroup::Member* member;
  };

  // A log or storage server whose files exist. Its role may have ended.
  struct Store {
    StoreKind kind;
    uint64_t generation;
    std::string directory;
    bool making = false;  // Its files are being written, by no role yet.
  };

  void Stop(absl::Status status) {
    if (!stopped_.is_set()) stopped_.Set(std::move(status));
  }

  // ---- Roles.

  // Runs what `make` gives under `token`; the Future tells when it is ready.
  // REQUIRES: no role has this token.
  Future<absl::Status> AddRole(uint64_t token, Role role,
                               absl::FunctionRef<Task<absl::Status>(RoleContext)> make) {
    Promise<absl::Status> ready;
    Future<absl::Status> is_ready = ready.future();
    const auto [at, added] = roles_.emplace(token, std::move(role));
    INVARIANT(added, token);
    const Role& begun = at->second;
    TraceRoleBegan(env_.trace(), RoleName(begun.kind), token, begun.generation);
    RoleContext context{env_, server_, rpc_, token, std::move(ready)};
    at->second.member = tasks_.Spawn("role", UntilEnd(token, make(std::move(context))));
    return is_ready;
  }

  Task<absl::Status> UntilEnd(uint64_t token, Task<absl::Status> role) {
    absl::Status status;
    {
      Task<absl::Status> running = std::move(role);
      status = co_await std::move(running);
    }
    const auto at = roles_.find(token);
    const RoleInfo::Kind kind = at->second.kind;
    TraceRoleEnded(env_.trace(), RoleName(kind), token, Describe(status));
    roles_.erase(at);
    RememberEnd(token, Describe(status));
    const bool stores = kind == RoleInfo::LOG || kind == RoleInfo::STORAGE;
    if (stores && IsDiskFailure(status)) Stop(status);
    co_return absl::OkStatus();
  }

  // Destroys the role. REQUIRES: it is not running.
  void EndRole(uint64_t token, std::string_view why) {
    const auto at = roles_.find(token);
    if (at == roles_.end()) return;
    TraceRoleEnded(env_.trace(), RoleName(at->second.kind), token, why);
    if (at->second.member != nullptr) tasks_.CancelMember(*at->second.member);
    roles_.erase(at);
    RememberEnd(token, std::string(why));
  }

  void RememberEnd(uint64_t token, std::string why) {
    ended_.emplace_back(token, std::move(why));
    if (ended_.size() > static_cast<size_t>(knobs_.worker_ended_roles_max)) ended_.pop_front();
    role_ended_.NotifyAll();
  }

  uint64_t DrawToken() {
    for (;;) {
      const uint64_t token = env_.random("worker.token").Next();
      if (token > kWorkerToken && !roles_.contains(token)) return token;
    }
  }

  Task<absl::Status> EndIfUnpublished(uint64_t token) {
    co_await Sleep(env_.clock(), knobs_.worker_unpublished_role_max);
    const auto at = roles_.find(token);
    if (at != roles_.end() && !at->second.published) {
      PROBE(env_, "worker.role_never_published");
      EndRole(token, "no published state named it in time");
    }
    co_return absl::OkStatus();
  }

  // Recruits a role without files, under a token drawn here.
  template <class Options>
  Reply<RecruitReply> Recruit(RoleInfo::Kind kind, Options options,
                              Task<absl::Status> (*run)(RoleContext, Options)) {
    CO_RETURN_IF_ERROR(CheckGeneration(options.generation));
    const uint64_t token = DrawToken();
    Future<absl::Status> ready =
        AddRole(token, NewRole(kind, options.generation),
                [&](RoleContext context) { return run(std::move(context), std::move(options)); });
    tasks_.Spawn("end if unpublished", EndIfUnpublished(token));
    CO_RETURN_IF_ERROR(co_await std::move(ready));
    co_return RecruitedAt(token);
  }

  static Role NewRole(RoleInfo::Kind kind, uint64_t generation) {
    return {kind, generation, /*published=*/false, /*view=*/nullptr, /*member=*/nullptr};
  }

  // A recovery that was overtaken gets nothing more.
  absl::Status CheckGeneration(uint64_t generation) const {
    if (generation > known_generation_) return absl::OkStatus();
    return Error(ErrorCode::generation_ended, "a generation as new is published");
  }

  Message<RecruitReply> RecruitedAt(uint64_t token) const {
    Endpoint endpoint = options_.endpoint;
    endpoint.token = token;
    Message<RecruitReply> reply;
    *reply.header.mutable_endpoint() = ToMessage(endpoint);
    return reply;
  }

  // ---- Stores.

  // What former lives of the process left: serves it, or removes what was never finished.
  Task<absl::Status> OpenStores() {
    CO_ASSIGN_OR_RETURN(const std::vector<FoundStore> found, co_await FindStores(env_));
    for (const FoundStore& store : found) {
      absl::Status opened = store.removed                   ? Error(ErrorCode::file_not_found)
                            : store.kind == StoreKind::kLog ? co_await OpenLog(store)
                                                            : co_await OpenStorage(store);
      if (CodeOf(opened) == ErrorCode::file_not_found) {
        PROBE(env_, "worker.unfinished_store_removed");
        CO_RETURN_IF_ERROR(co_await RemoveStore(env_, store.directory));
      } else if (CodeOf(opened) == ErrorCode::file_corrupt) {
        // Damaged: it counts as silent, and others hold what it held.
        if (auto e = env_.trace().Warn("StoreNotServed")) {
          e.Add("directory", store.directory).Add("why", opened);
        }
      } else {
        CO_RETURN_IF_ERROR(opened);
      }
    }
    co_return absl::OkStatus();
  }

  Task<absl::Status> OpenLog(FoundStore store) {
    CO_ASSIGN_OR_RETURN(const StoredLog log,
                        co_await DescribeStoredLog(env_, store.directory, options_.identity));
    stores_[store.id] = {StoreKind::kLog, log.generation, store.directory};
    ServeLog(store.id);
    co_return absl::OkStatus();
  }

  void ServeLog(uint64_t id) {
    const Store& store = stores_.at(id);
    Role role = NewRole(RoleInfo::LOG, store.generation);
    role.published = true;
    // Nobody waits until it is ready: those who ask it before try again.
    Future<absl::Status> ready = AddRole(id, std::move(role), [&](RoleContext context) {
      return RunStoredLog(std::move(context), store.directory, options_.identity);
    });
  }

  Task<absl::Status> OpenStorage(FoundStore store) {
    CO_ASSIGN_OR_RETURN(const StoredStorage storage,
                        co_await DescribeStorage(env_, store.directory, options_.identity));
    stores_[store.id] = {StoreKind::kStorage, storage.generation, store.directory};
    // As above: nobody waits.
    Future<absl::Status> ready = ServeStorage(
        {store.directory, options_.identity, store.id, storage.tag, storage.generation});
    co_return absl::OkStatus();
  }

  Future<absl::Status> ServeStorage(StorageOptions options) {
    Role role = NewRole(RoleInfo::STORAGE, options.generation);
    role.published = true;
    role.view = std::make_unique<LogSystemView>();
    LogSystemView& view = *role.view;
    const uint64_t id = options.storage_id;
    return AddRole(id, std::move(role), [&](RoleContext context) {
      return RunStorage(std::move(context), std::move(options), view);
    });
  }

  Task<absl::Status> Remove(uint64_t id, std::string directory) {
    if (auto e = env_.trace().Info("StoreRemoved")) e.Add("directory", directory).Add("id", id);
    co_return co_await RemoveStore(env_, directory);
  }

  // ---- Published states.

  void OnState(const ClusterState& state) {
    const uint64_t generation = state.log_system().generation();
    known_generation_ = generation;
    known_state_id_ = state.state_id();
    std::set<uint64_t> named;
    for (const RoleInfo& role : state.roles()) named.insert(role.endpoint().token());
    for (const LogSet& set : state.log_system().sets()) {
      for (const LogMember& log : set.logs()) named.insert(log.log_id());
    }
    named.insert(state.storage_ids().begin(), state.storage_ids().end());
    std::vector<uint64_t> to_end;
    for (auto& [token, role] : roles_) {
      if (named.contains(token)) {
        role.published = true;
        if (role.view != nullptr) role.view->Update(state.log_system());
      } else if (role.kind == RoleInfo::STORAGE ? role.generation < generation
                                                : role.generation <= generation) {
        to_end.push_back(token);
      }
    }
    for (const uint64_t token : to_end) EndRole(token, "a published state does not name it");
    RemoveStoresExcept(named, generation);
  }

  // The record that the state was made of was written, not only read: what it does not name is not
  // needed by anybody, unless it belongs to a generation that is being made.
  void RemoveStoresExcept(const std::set<uint64_t>& named, uint64_t generation) {
    for (auto at = stores_.begin(); at != stores_.end();) {
      const Store& store = at->second;
      if (named.contains(at->first) || store.generation >= generation || store.making) {
        ++at;
      } else {
        INVARIANT(!roles_.contains(at->first), at->first);
        tasks_.Spawn("remove", Remove(at->first, store.directory));
        at = stores_.erase(at);
      }
    }
  }

  WorkerInfo Information() const {
    WorkerInfo info;
    info.set_process(env_.locality().process);
    Endpoint endpoint = options_.endpoint;
    endpoint.token = kWorkerToken;
    *info.mutable_endpoint() = ToMessage(endpoint);
    info.set_machine(env_.locality().machine);
    info.set_zone(env_.locality().zone);
    info.set_process_class(options_.process_class);
    for (const auto& [id, store] : stores_) {
      store.kind == StoreKind::kLog ? info.add_log_ids(id) : info.add_storage_ids(id);
    }
    return info;
  }

  Task<absl::Status> AwaitOtherLeader(uint64_t candidate_id) {
    while (leader_.leader().candidate_id() == candidate_id) co_await leader_.changed().Wait();
    co_return absl::OkStatus();
  }

  Task<absl::StatusOr<Message<RegisterWorkerReply>>> RegisterAt(Nominee leader) {
    Endpoint controller = FromMessage(leader.endpoint());
    controller.token = kControllerToken;
    Message<RegisterWorkerRequest> request;
    *request.header.mutable_worker() = Information();
    request.header.set_known_generation(known_generation_);
    request.header.set_known_state_id(known_state_id_);
    const Duration wait = knobs_.worker_register_wait;
    request.header.set_wait_us(static_cast<uint64_t>(wait / Microseconds(1)));
    co_return co_await rpc_.Call(controller, kRegisterWorker, std::move(request),
                                 wait + knobs_.worker_register_slack);
  }

  // For ever: one long poll at the leader's controller at a time.
  Task<absl::Status> Register() {
    for (;;) {
      const Nominee leader = leader_.leader();
      if (leader.candidate_id() == 0) {
        CO_RETURN_IF_ERROR(co_await AwaitOtherLeader(0));
        continue;
      }
      auto first = co_await WhenAny(RegisterAt(leader), AwaitOtherLeader(leader.candidate_id()));
      if (first.index() == 1) continue;
      absl::StatusOr<Message<RegisterWorkerReply>>& reply = std::get<0>(first);
      if (!reply.ok()) {
        if (auto e = env_.trace().Debug("RegisterFailed")) e.Add("why", reply.status());
        const Duration most = knobs_.worker_register_retry_delay;
        co_await Sleep(env_.clock(), env_.random("worker.retry").Between(most / 2, most));
        continue;
      }
      const ClusterState& state = reply->header.state();
      if (state.log_system().generation() == 0) continue;
      if (std::pair(state.log_system().generation(), state.state_id()) >
          std::pair(known_generation_, known_state_id_)) {
        // Roles of ended generations live until here.
        if (Buggify(env_, "published_state.late", Ratio{3, 4})) {
          co_await Sleep(env_.clock(), env_.random("published_state.late").Between({}, Seconds(5)));
        }
        OnState(state);
      }
    }
  }

  // ---- Handlers.

  Reply<RecruitReply> RecruitLog(Message<RecruitLogRequest> request, CallInfo) {
    const uint64_t id = request.header.log_id();
    NewLogOptions options = LogOptionsOf(request.header);
    CO_RETURN_IF_ERROR(CheckGeneration(options.generation));
    CO_RETURN_IF_ERROR(CheckNewStore(id));
    options.directory = StoreDirectory(StoreKind::kLog, id);
    options.identity = options_.identity;
    stores_[id] = {StoreKind::kLog, options.generation, options.directory};
    // It does not end by time: the record may name it although nobody has published that yet.
    Future<absl::Status> ready = AddRole(
        id, NewRole(RoleInfo::LOG, options.generation),
        [&](RoleContext context) { return RunNewLog(std::move(context), std::move(options)); });
    CO_RETURN_IF_ERROR(co_await std::move(ready));
    co_return RecruitedAt(id);
  }

  Reply<RecruitReply> RecruitStorage(Message<RecruitStorageRequest> request, CallInfo) {
    const uint64_t id = request.header.storage_id();
    CO_RETURN_IF_ERROR(CheckGeneration(request.header.generation()));
    CO_RETURN_IF_ERROR(CheckNewStore(id));
    const StorageOptions options = {StoreDirectory(StoreKind::kStorage, id), options_.identity, id,
                                    Tag{TagKind::kStorage, request.header.tag_id()},
                                    request.header.generation()};
    stores_[id] = {StoreKind::kStorage, options.generation, options.directory, /*making=*/true};
    // In the worker's group: a caller that gives up does not leave it half made.
    Future<absl::Status> made = tasks_.Start("make storage", MakeStorage(options));
    CO_RETURN_IF_ERROR(co_await std::move(made));
    co_return RecruitedAt(id);
  }

  Task<absl::Status> MakeStorage(StorageOptions options) {
    absl::Status created = co_await CreateStorage(env_, options);
    if (!created.ok()) {
      if (IsDiskFailure(created)) Stop(created);
      co_return created;
    }
    stores_.at(options.storage_id).making = false;
    Future<absl::Status> ready = ServeStorage(std::move(options));
    co_return co_await std::move(ready);
  }

  absl::Status CheckNewStore(uint64_t id) const {
    if (id <= kWorkerToken || roles_.contains(id) || stores_.contains(id)) {
      return Error(ErrorCode::file_exists, "the id of a new store is in use");
    }
    return absl::OkStatus();
  }

  Reply<RecruitReply> RecruitSequencer(Message<RecruitSequencerRequest> request, CallInfo) {
    return Recruit(RoleInfo::SEQUENCER, SequencerOptionsOf(request.header), RunSequencer);
  }
  Reply<RecruitReply> RecruitResolver(Message<RecruitResolverRequest> request, CallInfo) {
    return Recruit(RoleInfo::RESOLVER, ResolverOptionsOf(request.header), RunResolver);
  }
  Reply<RecruitReply> RecruitGrvProxy(Message<RecruitGrvProxyRequest> request, CallInfo) {
    return Recruit(RoleInfo::GRV_PROXY, GrvProxyOptionsOf(request.header), RunGrvProxy);
  }
  Reply<RecruitReply> RecruitCommitProxy(Message<RecruitCommitProxyRequest> request, CallInfo) {
    CO_ASSIGN_OR_RETURN(CommitProxyOptions options,
                        CommitProxyOptionsOf(request.header, request.attachment.view()));
    co_return co_await Recruit(RoleInfo::COMMIT_PROXY, std::move(options), RunCommitProxy);
  }

  Task<absl::Status> AwaitEnd(uint64_t token) {
    while (roles_.contains(token)) co_await role_ended_.Wait();
    co_return absl::OkStatus();
  }

  Reply<AwaitRoleEndReply> AwaitRoleEnd(Message<AwaitRoleEndRequest> request, CallInfo) {
    const uint64_t token = request.header.token();
    const auto asked =
        static_cast<int64_t>(std::min<uint64_t>(request.header.wait_us(), INT32_MAX));
    const Duration wait = std::min(Microseconds(asked), knobs_.worker_role_end_wait_max);
    absl::Status ended = co_await Timeout(env_.clock(), wait, AwaitEnd(token));
    Message<AwaitRoleEndReply> reply;
    reply.header.set_ended(ended.ok());
    if (!ended.ok()) co_return reply;
    reply.header.set_why("it is not there");
    for (const auto& [ended_token, why] : ended_) {
      if (ended_token == token) reply.header.set_why(why);
    }
    co_return reply;
  }

  Env& env_;
  RpcServer& server_;
  RpcClient& rpc_;
  const WorkerKnobs& knobs_;
  const WorkerOptions options_;
  LeaderWatch& leader_;

  uint64_t known_generation_ = 0;  // Of the last published state.
  uint64_t known_state_id_ = 0;
  std::map<uint64_t, Role> roles_;                      // By token.
  std::map<uint64_t, Store> stores_;                    // By id.
  std::deque<std::pair<uint64_t, std::string>> ended_;  // Token and reason of the last roles.
  Notify role_ended_;

  Promise<absl::Status> ready_;
  Promise<absl::Status> stopped_;
  HandlersUntilEnd handlers_;
  TaskGroup tasks_;
};

}  // namespace

Task<absl::Status> RunWorker(RoleContext context, WorkerOptions options, LeaderWatch& leader) {
  Worker worker(std::move(context), std::move(options), leader);
  co_return co_await worker.Run();
}

}  // namespace orrery
