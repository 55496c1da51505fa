// The shell around StorageState: one task pulls and applies, one makes durable, one pops; handlers
// read.
#include "storage/server/storage_role.h"

#include <algorithm>
#include <utility>

#include "core/async/mutex.h"
#include "core/async/notify.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "core/async/when_all.h"
#include "core/env/buggify.h"
#include "core/observe/metrics.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "storage/engine/engine.h"
#include "storage/server/storage_files.h"
#include "storage/server/storage_knobs.h"
#include "storage/server/storage_methods.h"
#include "storage/server/storage_reads.h"
#include "storage/server/storage_state.h"

namespace orrery {
namespace {

// Every key of the engine is below.
constexpr std::string_view kEngineEnd = "\xff\xff\xff";

class StorageServer {
 public:
  StorageServer(RoleContext& context, const StorageOptions& options, std::unique_ptr<Engine> engine)
      : env_(context.env),
        server_(context.server),
        token_(context.token),
        options_(options),
        knobs_(env_.knobs().Get<StorageKnobs>()),
        incarnation_(env_.random("storage.incarnation").Next()),
        engine_(std::move(engine)),
        state_(std::max<Version>(engine_->durable_version(), 0)),
        reads_(env_, state_, *engine_, [this](absl::Status status) { Stop(std::move(status)); }),
        commit_bytes_(env_.metrics().AddHistogram("storage_commit", "bytes",
                                                  "bytes of one commit to the engine",
                                                  {{"tag", std::to_string(options.tag.id)}})),
        handlers_(server_, token_),
        tasks_(env_.executor(),
               [this](std::string_view, absl::Status status) { Stop(std::move(status)); }) {}

  // Learns from the engine what is in it.
  Task<absl::Status> Load() {
    KeyRange rest{"", std::string(kEngineEnd)};
    for (bool more = true; more;) {
      CO_ASSIGN_OR_RETURN(const ScanResult scan,
                          co_await engine_->Scan(rest, state_.durable(), ScanLimit(), false));
      for (size_t i = 0; i < scan.rows.size(); ++i) {
        CO_RETURN_IF_ERROR(state_.LoadRow(scan.rows[i].key, scan.rows[i].value));
      }
      more = scan.more;
      if (more) rest.begin = KeyAfter(scan.rows.back().key);
      co_await Yield();
    }
    co_return absl::OkStatus();
  }

  // Serves until Stop, and gives its status.
  Task<absl::Status> Run(std::unique_ptr<MessageSource> source, Promise<absl::Status> ready) {
    source_ = std::move(source);
    server_.Handle<kGetValue, &StorageReads::GetValue>(&reads_, token_);
    server_.Handle<kGetValues, &StorageReads::GetValues>(&reads_, token_);
    server_.Handle<kGetRange, &StorageReads::GetRange>(&reads_, token_);
    server_.Handle<kGetKey, &StorageReads::GetKey>(&reads_, token_);
    server_.Handle<kEstimateRange, &StorageReads::EstimateRange>(&reads_, token_);
    server_.Handle<kStorageStatus, &StorageServer::Status>(this, token_);
    if (auto e = env_.trace().Info("StorageStarted")) {
      e.Add("storage_id", options_.storage_id).Add("tag", options_.tag.id);
      e.Add("durable_version", state_.durable()).Add("rows_bytes", engine_->bytes());
    }
    tasks_.Spawn("storage.update", Update());
    tasks_.Spawn("storage.make_durable", MakeDurable());
    tasks_.Spawn("storage.pop", PopLog());
    ready.Set(absl::OkStatus());
    co_return co_await stopped_.future();
  }

  Version durable() const { return state_.durable(); }

 private:
  void Stop(absl::Status status) {
    if (stopped_.is_set()) return;
    if (auto e = env_.trace().Warn("StorageStopped")) {
      e.Add("storage_id", options_.storage_id).Add("tag", options_.tag.id).Add("why", status);
    }
    stopped_.Set(std::move(status));
  }

  // --- Pulling and applying.

  bool UnderPressure() const {
    return state_.UnderPressure(static_cast<uint64_t>(knobs_.storage_window_bytes_max));
  }

  Task<absl::Status> Update() {
    for (;;) {
      CO_ASSIGN_OR_RETURN(const LogCursor::Messages messages,
                          co_await source_->Next(static_cast<uint32_t>(knobs_.storage_pull_bytes)));
      if (Buggify(env_, "storage.apply.slow", OneIn(100))) {
        co_await Sleep(env_.clock(), Milliseconds(200));
      }
      const std::span<const LogCursor::VersionMessages> all = messages.versions;
      if (!all.empty() && messages.through < all.back().version) {
        co_return Error(ErrorCode::internal_error, "messages beyond what was said to be all");
      }
      for (size_t begin = 0; begin < all.size();) {
        size_t end = begin;
        for (size_t bytes = 0; end < all.size() && bytes < ApplyBytes(); ++end) {
          bytes += all[end].batch.size();
        }
        CO_RETURN_IF_ERROR(co_await ApplyPiece(all.subspan(begin, end - begin)));
        AdvanceTo(end < all.size() ? all[end - 1].version : messages.through);
        co_await AwaitRoom();
        if (end < all.size()) co_await Yield();
        begin = end;
      }
      if (messages.through > state_.applied()) AdvanceTo(messages.through);
    }
  }

  size_t ApplyBytes() const { return static_cast<size_t>(knobs_.storage_apply_bytes); }

  // The values of the engine that atomic operations need first, then all at once. The window
  // forgets nothing in between: it might be what the values lack.
  // banned-ok: the caller keeps the messages, and waits for this.
  Task<absl::Status> ApplyPiece(std::span<const LogCursor::VersionMessages> piece) {
    const Mutex::Guard guard = co_await window_stays_.Lock();
    std::vector<Key> keys;
    for (const auto& each : piece) {
      CO_RETURN_IF_ERROR(state_.KeysToRead(each.batch, keys));
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    EngineValues values;
    std::vector<Key> slow_keys;
    std::vector<Task<absl::StatusOr<std::optional<std::string>>>> reads;
    for (Key& key : keys) {
      std::optional<std::string_view> now;
      if (engine_->GetNow(key, state_.applied(), now)) {
        values[std::move(key)] = now;
      } else {
        reads.push_back(engine_->Get(key, state_.applied()));
        slow_keys.push_back(std::move(key));
      }
    }
    if (!reads.empty()) {
      auto found = co_await WhenAll(std::move(reads));
      for (size_t i = 0; i < found.size(); ++i) {
        CO_ASSIGN_OR_RETURN(values[std::move(slow_keys[i])], std::move(found[i]));
      }
    }
    for (const auto& each : piece) {
      CO_RETURN_IF_ERROR(state_.Apply(each.version, each.batch, values));
    }
    co_return absl::OkStatus();
  }

  void AdvanceTo(Version version) {
    state_.Advance(version);
    reads_.VersionAdvanced();
    work_.NotifyAll();
  }

  // Stops pulling while the window is full, which is only while something becomes durable.
  Task<> AwaitRoom() {
    if (!UnderPressure()) co_return;
    PROBE(env_, "storage.window_full");
    work_.NotifyAll();
    while (UnderPressure() && state_.durable() < state_.applied()) co_await committed_.Wait();
  }

  // --- Making durable.

  Task<absl::Status> MakeDurable() {
    const StorageState::CommitPolicy policy{
        .window_versions = knobs_.storage_window_versions,
        .window_bytes_max = static_cast<uint64_t>(knobs_.storage_window_bytes_max),
        .commit_bytes_max = static_cast<uint64_t>(knobs_.storage_commit_bytes_max),
        .empty_versions = knobs_.storage_empty_commit_versions};
    for (;;) {
      const auto plan = state_.PlanCommit(policy);
      if (!plan.has_value()) {
        co_await work_.Wait();
        continue;
      }
      CO_RETURN_IF_ERROR(co_await Commit(plan->through));
      if (plan->more) {
        co_await Yield();
        continue;
      }
      // Collects what comes until the next one. Out of time is as good as pressure.
      (void)co_await Timeout(env_.clock(), knobs_.storage_commit_interval, UntilPressure());
    }
  }

  Task<absl::Status> UntilPressure() {
    while (!UnderPressure()) co_await work_.Wait();
    co_return absl::OkStatus();
  }

  Task<absl::Status> Commit(Version through) {
    for (;;) {
      WriteBatch batch = state_.BeginCommit(through);
      commit_bytes_.Record(batch.bytes().size());
      if (Buggify(env_, "storage.commit.slow", OneIn(20))) {
        co_await Sleep(env_.clock(), Milliseconds(300));
      }
      const absl::Status status = co_await engine_->Commit(through, std::move(batch));
      if (status.ok()) break;
      if (CodeOf(status) != ErrorCode::disk_full) co_return status;
      PROBE(env_, "storage.disk_full");
      if (auto e = env_.trace().Warn("StorageDiskFull")) {
        e.Add("directory", options_.directory).Add("durable_version", state_.durable());
      }
      co_await Sleep(env_.clock(), knobs_.storage_disk_full_retry_delay);
    }
    const Mutex::Guard guard = co_await window_stays_.Lock();
    state_.EndCommit(through);
    committed_.NotifyAll();
    co_return absl::OkStatus();
  }

  // Whatever is durable here is not needed in the logs: also what an earlier life made durable.
  Task<absl::Status> PopLog() {
    for (Version popped = 0;;) {
      while (state_.durable() <= popped) co_await committed_.Wait();
      popped = state_.durable();
      co_await source_->Pop(popped, incarnation_);
    }
  }

  Task<absl::StatusOr<Message<StorageStatusReply>>> Status(Message<StorageStatusRequest>,
                                                           CallInfo) {
    Message<StorageStatusReply> reply;
    StorageStatusReply& status = reply.header;
    status.set_storage_id(options_.storage_id);
    status.set_tag_id(options_.tag.id);
    status.set_version(state_.applied());
    status.set_durable_version(state_.durable());
    status.set_oldest_version(state_.oldest());
    status.set_window_bytes(state_.window().bytes());
    status.set_engine_bytes(engine_->bytes());
    status.set_reads(reads_.reads());
    status.set_rows_read(reads_.rows_read());
    status.set_mutations(state_.mutations());
    status.set_engine("memory");
    co_return reply;
  }

  Env& env_;
  RpcServer& server_;
  const uint64_t token_;
  const StorageOptions& options_;
  const StorageKnobs& knobs_;
  const uint64_t incarnation_;
  const std::unique_ptr<Engine> engine_;
  std::unique_ptr<MessageSource> source_;
  StorageState state_;
  StorageReads reads_;
  Histogram& commit_bytes_;
  Mutex window_stays_;  // Held by who needs the window to forget nothing, and by who lets it.
  Notify work_;         // applied() grew, or the window is full.
  Notify committed_;    // durable() grew.
  Promise<absl::Status> stopped_;
  HandlersUntilEnd handlers_;
  TaskGroup tasks_;
};

}  // namespace

Task<absl::Status> ServeStorage(RoleContext context, StorageOptions options,
                                std::unique_ptr<Engine> engine, MakeMessageSource make_source) {
  StorageServer server(context, options, std::move(engine));
  const absl::Status loaded = co_await server.Load();
  if (!loaded.ok()) {
    context.ready.Set(loaded);
    co_return loaded;
  }
  co_return co_await server.Run(make_source(server.durable()), std::move(context.ready));
}

Task<absl::Status> RunStorageFrom(RoleContext context, StorageOptions options,
                                  MakeMessageSource make_source) {
  auto engine = co_await OpenStorage(context.env, options);
  if (!engine.ok()) {
    context.ready.Set(engine.status());
    co_return engine.status();
  }
  co_return co_await ServeStorage(std::move(context), std::move(options), *std::move(engine),
                                  std::move(make_source));
}

}  // namespace orrery
