// Requests: what is let in, where it waits, when a batch begins; and where keys are.
#include "txn/proxy/commit_proxy.h"

#include <algorithm>
#include <utility>

#include "core/async/turn_end.h"
#include "core/env/buggify.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "core/rpc/endpoint_message.h"
#include "txn/proxy/commit_ids.h"
#include "txn/proxy/commit_proxy_shell.h"

namespace orrery {
namespace {

// Of one transaction's mutations as they go to a log: with its share of the batch's rows of ids it
// stays below 16 MiB.
constexpr size_t kLoggedBytesMax = 15 << 20;

constexpr uint32_t kShardsDefault = 100;
constexpr uint32_t kShardsMax = 1000;

bool AddsNothing(const std::vector<MutationRef>& mutations) {
  return std::ranges::all_of(mutations, [](const MutationRef& mutation) {
    return mutation.type == MutationType::kClearRange;
  });
}

// How many bytes a transaction holds here: as it came, decoded, and as it is sent on.
size_t HeldBytes(const Buffer& bytes, const CommitTransactionRef& transaction) {
  return 2 * bytes.size() + transaction.mutations.size() * sizeof(MutationRef) +
         (transaction.reads.size() + transaction.writes.size()) * sizeof(KeyRangeRef);
}

void AddLocation(const ShardMap::Location& at, const Metadata& metadata, LocateReply& reply) {
  ShardLocation& shard = *reply.add_shards();
  shard.set_begin(std::string(at.range.begin));
  shard.set_end(std::string(at.range.end));
  for (const Tag tag : at.shard.team) {
    const StorageServerRow* const row = metadata.FindServer(tag.id);
    if (row == nullptr) continue;
    ServerLocation& server = *shard.add_servers();
    server.set_tag_id(tag.id);
    *server.mutable_endpoint() = row->endpoint();
    server.set_zone(row->zone());
  }
}

}  // namespace

CommitProxy::CommitProxy(Env& env, RpcClient& rpc, const CommitProxyOptions& options)
    : env_(env),
      rpc_(rpc),
      options_(options),
      knobs_(env.knobs().Get<CommitProxyKnobs>()),
      applied_version_(options.first_version),
      teams_(options.logs),
      known_committed_(options.first_version),
      told_(static_cast<size_t>(options.logs.logs_size()), options.first_version),
      log_room_(static_cast<size_t>(options.logs.logs_size()), UINT64_MAX),
      memory_(static_cast<uint64_t>(knobs_.commit_proxy_queue_bytes_max), env.memory()),
      last_begin_(env.clock().Now()),
      committed_(env.metrics().AddCounter("commit_proxy_committed", "transactions",
                                          "transactions that were committed")),
      refused_(env.metrics().AddCounter("commit_proxy_refused", "transactions",
                                        "transactions that conflicted or were too old")),
      batches_(env.metrics().AddCounter("commit_proxy_batches", "batches",
                                        "batches committed, empty ones included")),
      batch_size_(env.metrics().AddHistogram("commit_proxy_batch_size", "transactions",
                                             "transactions of one batch")),
      commit_time_(env.metrics().AddHistogram("commit_proxy_batch_ns", "ns",
                                              "from a batch's begin to its answers")),
      tasks_(env.executor(), [this](std::string_view, absl::Status status) {
        if (!ended_.is_set()) ended_.Set(std::move(status));
      }) {
  for (const LogMember& log : options.logs.logs()) {
    log_endpoints_.push_back(FromMessage(log.endpoint()));
  }
  for (const auto& resolver : options.resolvers) resolver_begins_.push_back(resolver.begin);
  for (const Mutation& row : options.metadata) metadata_.Apply(row);
  tag_bytes_max_ = TagBytesMax(metadata_.shards());
}

Task<absl::Status> CommitProxy::Run() {
  tasks_.Spawn("begin batches", BeginBatches());
  tasks_.Spawn("want empty batches", WantEmptyBatches());
  for (size_t log = 0; log < log_endpoints_.size(); ++log) {
    tasks_.Spawn("advance log", AdvanceLog(log));
  }
  absl::Status why = co_await ended_.future();
  if (auto e = env_.trace().Info("CommitProxyEnded")) {
    e.Add("generation", options_.generation).Add("why", why);
    e.Add("batches_under_way", batches_under_way_);
  }
  co_return Error(ErrorCode::generation_ended);
}

Task<absl::StatusOr<Message<CommitReply>>> CommitProxy::Commit(Message<CommitRequest> request,
                                                               CallInfo) {
  absl::StatusOr<Pending> pending = Admit(std::move(request));
  if (!pending.ok()) co_return pending.status();
  Future<absl::StatusOr<CommitReply>> reply = pending->reply.future();
  queue_bytes_ += pending->logged_bytes;
  queue_.push_back(*std::move(pending));
  changed_.NotifyAll();
  absl::StatusOr<CommitReply> answer = co_await std::move(reply);
  if (!answer.ok()) co_return std::move(answer).status();
  co_return Message<CommitReply>{*std::move(answer)};
}

absl::StatusOr<CommitProxy::Pending> CommitProxy::Admit(Message<CommitRequest> request) {
  const CommitRequest& header = request.header;
  if (!header.id().empty() && header.id().size() != kAttemptIdBytes) {
    return Error(ErrorCode::client_invalid_operation, "an id has 16 bytes");
  }
  Pending pending;
  pending.bytes = std::move(request.attachment);
  ASSIGN_OR_RETURN(pending.transaction, DecodeTransaction(pending.bytes.view()));
  const CommitTransactionRef& transaction = pending.transaction;
  RETURN_IF_ERROR(CheckTransaction(transaction, header.access_system_keys()));
  for (const MutationRef& mutation : transaction.mutations) {
    if (!Metadata::Touches(mutation)) continue;
    // Whether it is valid depends on it alone: it will be when it is applied.
    const absl::Status valid = Metadata::Check(mutation);
    if (!valid.ok()) return Error(ErrorCode::client_invalid_operation, Describe(valid));
    pending.is_state = true;
  }
  pending.logged_bytes = LoggedBytesMax(transaction.mutations, tag_bytes_max_, metadata_.shards());
  if (pending.logged_bytes > kLoggedBytesMax) return Error(ErrorCode::transaction_too_large);
  RETURN_IF_ERROR(CheckLogRoom(pending, header.system_priority()));
  std::optional<MemoryBudget::Reservation> memory =
      memory_.TryReserve(HeldBytes(pending.bytes, transaction));
  if (!memory.has_value()) {
    PROBE(env_, "commit_proxy.overloaded");
    return Error(ErrorCode::overloaded);
  }
  pending.memory = *std::move(memory);
  pending.id = header.id();
  pending.report_conflicts = header.report_conflicts();
  return pending;
}

absl::Status CommitProxy::CheckLogRoom(const Pending& pending, bool system_priority) const {
  const bool privileged =
      system_priority || pending.is_state || AddsNothing(pending.transaction.mutations);
  const int64_t least =
      privileged ? knobs_.commit_proxy_log_reserve_bytes : knobs_.commit_proxy_log_room_bytes_min;
  const uint64_t wanted = static_cast<uint64_t>(least) + queue_bytes_ + under_way_bytes_;
  if (std::ranges::min(log_room_) >= wanted) return absl::OkStatus();
  PROBE(env_, "commit_proxy.log_space_low");
  return Error(ErrorCode::log_space_low);
}

// While a batch is on its way to the logs the next one collects, unless it is full already.
bool CommitProxy::CanBegin() const {
  if (batches_under_way_ >= static_cast<uint64_t>(knobs_.commit_proxy_batches_max)) return false;
  const bool full =
      queue_.size() >= static_cast<size_t>(knobs_.commit_proxy_batch_transactions_max) ||
      queue_bytes_ >= static_cast<size_t>(knobs_.commit_proxy_batch_bytes_max);
  if (batches_before_push_ > 0) return full;
  return !queue_.empty() || empty_wanted_;
}

Task<absl::Status> CommitProxy::BeginBatches() {
  for (;;) {
    while (!CanBegin()) co_await changed_.Wait();
    co_await TurnEnd();  // What else arrives in this turn goes along.
    Batch batch = TakeBatch();
    last_begin_ = batch.begin;
    empty_wanted_ = false;
    ++batches_under_way_;
    ++batches_before_push_;
    tasks_.Spawn("batch", RunBatch(std::move(batch)));
  }
}

CommitProxy::Batch CommitProxy::TakeBatch() {
  size_t left = static_cast<size_t>(knobs_.commit_proxy_batch_transactions_max);
  if (Buggify(env_, "commit_proxy.batch.tiny", OneIn(20))) left = 1;
  Batch batch;
  batch.number = ++batches_begun_;
  batch.begin = env_.clock().Now();
  batch.commits.reserve(std::min(left, queue_.size()));
  size_t bytes = 0;
  for (; left > 0 && !queue_.empty(); --left) {
    const size_t more = queue_.front().logged_bytes;
    const bool too_much = bytes + more > static_cast<size_t>(knobs_.commit_proxy_batch_bytes_max);
    if (!batch.commits.empty() && too_much) break;
    bytes += more;
    batch.commits.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queue_bytes_ -= bytes;
  under_way_bytes_ += bytes;
  return batch;
}

Task<absl::Status> CommitProxy::WantEmptyBatches() {
  const Duration interval = knobs_.commit_proxy_idle_interval;
  for (;;) {
    co_await Sleep(env_.clock(), After(last_begin_, interval));
    if (env_.clock().Now() < After(last_begin_, interval)) continue;
    if (batches_under_way_ > 0) {  // It moves versions when it can.
      co_await Sleep(env_.clock(), interval);
      continue;
    }
    empty_wanted_ = true;
    changed_.NotifyAll();
    co_await Sleep(env_.clock(), interval);
  }
}

Task<absl::StatusOr<Message<LocateReply>>> CommitProxy::Locate(Message<LocateRequest> request,
                                                               CallInfo) {
  const KeyRangeRef range{request.header.begin(),
                          std::min(KeyRef(request.header.end()), KeyRef(kShardMapEnd))};
  uint32_t left = request.header.shards_max();
  left = left == 0 ? kShardsDefault : std::min(left, kShardsMax);
  Message<LocateReply> reply;
  if (range.empty()) co_return reply;
  const ShardMap& shards = metadata_.shards();
  if (!request.header.reverse()) {
    shards.ForEach(range, [&](const ShardMap::Location& at) {
      AddLocation(at, metadata_, reply.header);
      return --left > 0;
    });
    co_return reply;
  }
  for (KeyRef end = range.end; left > 0; --left) {
    const ShardMap::Location at = shards.FindBefore(end);
    AddLocation(at, metadata_, reply.header);
    if (at.range.begin <= range.begin) break;
    end = at.range.begin;
  }
  co_return reply;
}

Task<absl::Status> RunCommitProxy(RoleContext context, CommitProxyOptions options) {
  absl::Status valid = absl::OkStatus();
  for (const Mutation& row : options.metadata) {
    if (valid.ok()) valid = Metadata::Check(row);
  }
  if (options.resolvers.empty() || !options.resolvers.front().begin.empty() ||
      options.logs.logs_size() == 0) {
    valid = Error(ErrorCode::invalid_argument, "a commit proxy without resolvers or logs");
  }
  if (!valid.ok()) {
    context.ready.Set(valid);
    co_return valid;
  }
  CommitProxy proxy(context.env, context.rpc, options);
  const HandlersUntilEnd handlers(context.server, context.token);
  context.server.Handle<kCommit, &CommitProxy::Commit>(&proxy, context.token);
  context.server.Handle<kLocate, &CommitProxy::Locate>(&proxy, context.token);
  if (auto e = context.env.trace().Info("CommitProxyStarted")) {
    e.Add("generation", options.generation).Add("first_version", options.first_version);
    e.Add("resolvers", options.resolvers.size()).Add("logs", options.logs.logs_size());
  }
  context.ready.Set(absl::OkStatus());
  co_return co_await proxy.Run();
}

}  // namespace orrery
