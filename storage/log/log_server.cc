// Making a new log and opening a stored one; what they do then is in log_server_shell.cc.
#include "storage/log/log_server.h"

#include <memory>
#include <utility>

#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "storage/log/log_copy.h"
#include "storage/log/log_description.h"
#include "storage/log/log_server_shell.h"

namespace orrery {
namespace {

constexpr uint32_t kReadBytes = 1 << 20;

struct OpenLog {
  std::unique_ptr<DiskQueue> queue;
  LogState state;
};

std::string QueuePath(const std::string& directory) { return directory + "/queue"; }

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

Task<absl::StatusOr<OpenLog>> MakeLog(Env& env, RpcClient& rpc, NewLogOptions options) {
  CO_RETURN_IF_ERROR(co_await env.files().CreateDirectory(options.directory));
  CO_RETURN_IF_ERROR(co_await env.files().SyncDirectory(ParentOf(options.directory)));
  const std::string path = QueuePath(options.directory);
  CO_RETURN_IF_ERROR(co_await DiskQueue::Create(env, path, options.identity));
  CO_ASSIGN_OR_RETURN(std::unique_ptr<DiskQueue> queue,
                      co_await DiskQueue::Open(env, path, options.identity));
  const bool first = options.copy_after == kInvalidVersion;
  const Version begin = first ? options.recovery_version : options.copy_after;
  LogState state(begin);
  CO_RETURN_IF_ERROR(co_await CopyLockedSet(env, rpc, options, queue.get(), &state));
  state.LearnKnownCommitted(options.recovery_version);
  CO_RETURN_IF_ERROR(co_await WriteLogDescription(env, options.directory, options.identity,
                                                  {.log_id = options.log_id,
                                                   .generation = options.generation,
                                                   .begin = begin,
                                                   .recovery_version = options.recovery_version}));
  co_return OpenLog{std::move(queue), std::move(state)};
}

// What the queue holds, into `state`; the last pops entry into `pops`.
absl::Status RestoreEntry(const QueueEntry& entry, LogState& state, LogPops& pops) {
  ASSIGN_OR_RETURN(auto decoded, DecodeLogEntry(entry.bytes.view()));
  if (auto* popped = std::get_if<LogPops>(&decoded)) {
    pops = std::move(*popped);
    return absl::OkStatus();
  }
  const LogVersionEntry& version = std::get<LogVersionEntry>(decoded);
  ASSIGN_OR_RETURN(const BatchTags tags, TagsOfBatch(version.batch));
  state.LearnKnownCommitted(version.known_committed);
  return state.Restore(version.previous, tags.tags,
                       {.version = version.version,
                        .location = entry.location,
                        .bytes = static_cast<uint32_t>(version.batch.size()),
                        .one_tag_set = tags.one_tag_set});
}

Task<absl::StatusOr<OpenLog>> ReopenLog(Env& env, std::string directory, StoreIdentity identity) {
  CO_ASSIGN_OR_RETURN(const LogDescription description,
                      co_await ReadLogDescription(env, directory, identity));
  CO_ASSIGN_OR_RETURN(std::unique_ptr<DiskQueue> queue,
                      co_await DiskQueue::Open(env, QueuePath(directory), identity));
  LogState state(description.begin);
  state.Lock();
  state.LearnKnownCommitted(description.recovery_version);
  LogPops pops;
  Location from = queue->begin();
  for (;;) {
    CO_ASSIGN_OR_RETURN(const std::vector<QueueEntry> entries,
                        co_await queue->Read(from, queue->durable_end(), kReadBytes));
    if (entries.empty()) break;
    for (const QueueEntry& entry : entries) {
      CO_RETURN_IF_ERROR(RestoreEntry(entry, state, pops));
    }
    from = entries.back().end;
  }
  for (const auto& [tag, popped] : pops) state.Pop(tag, popped);
  PROBE(env, "log.reopened");
  if (auto e = env.trace().Info("LogReopened")) {
    e.Add("generation", description.generation).Add("end", state.durable());
  }
  co_return OpenLog{std::move(queue), std::move(state)};
}

Task<absl::Status> Serve(RoleContext context, absl::StatusOr<OpenLog> log) {
  if (!log.ok()) {
    if (auto e = context.env.trace().Warn("LogNotOpened")) e.Add("why", log.status());
    context.ready.Set(log.status());
    co_return log.status();
  }
  LogServer server(context.env, std::move(log->queue), std::move(log->state));
  co_return co_await server.Run(context);
}

}  // namespace

Task<absl::Status> RunNewLog(RoleContext context, NewLogOptions options) {
  absl::StatusOr<OpenLog> log = co_await MakeLog(context.env, context.rpc, std::move(options));
  co_return co_await Serve(std::move(context), std::move(log));
}

Task<absl::StatusOr<StoredLog>> DescribeStoredLog(Env& env, std::string directory,
                                                  StoreIdentity identity) {
  CO_ASSIGN_OR_RETURN(const LogDescription description,
                      co_await ReadLogDescription(env, std::move(directory), identity));
  co_return StoredLog{.log_id = description.log_id, .generation = description.generation};
}

Task<absl::Status> RunStoredLog(RoleContext context, std::string directory,
                                StoreIdentity identity) {
  absl::StatusOr<OpenLog> log = co_await ReopenLog(context.env, std::move(directory), identity);
  co_return co_await Serve(std::move(context), std::move(log));
}

}  // namespace orrery
