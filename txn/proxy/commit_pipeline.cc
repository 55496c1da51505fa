// The way of one batch: version, verdicts, metadata and tags, logs, report, answers.
#include <algorithm>
#include <utility>

#include "core/async/when_all.h"
#include "core/env/buggify.h"
#include "core/observe/expect_rare.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "storage/diskqueue/page.h"
#include "storage/log/log_methods.h"
#include "storage/log/mutation_codec.h"
#include "txn/proxy/commit_ids.h"
#include "txn/proxy/commit_proxy_shell.h"
#include "txn/proxy/end_of_role.h"
#include "txn/resolver/resolver_methods.h"
#include "txn/sequencer/sequencer_methods.h"

namespace orrery {
namespace {

// The changes of metadata that all proxies are to apply.
std::string StateMutations(const CommitTransactionRef& transaction) {
  MutationBatchWriter writer;
  for (const MutationRef& mutation : transaction.mutations) {
    if (Metadata::Touches(mutation)) writer.Add({}, mutation);
  }
  return std::move(writer).Finish();
}

}  // namespace

Task<absl::Status> CommitProxy::RunBatch(Batch batch) {
  const size_t bytes = [&batch] {
    size_t sum = 0;
    for (const Pending& each : batch.commits) sum += each.logged_bytes;
    return sum;
  }();
  CO_RETURN_IF_ERROR(co_await GetVersion(batch));
  CO_RETURN_IF_ERROR(co_await Linger("commit_proxy.resolve.late"));
  while (resolved_ + 1 != batch.number) co_await turn_.Wait();
  CO_ASSIGN_OR_RETURN(const std::vector<ResolveReply> replies, co_await Resolve(batch));
  CO_RETURN_IF_ERROR(co_await Linger("commit_proxy.log.late"));
  while (logged_ + 1 != batch.number) co_await turn_.Wait();
  CO_ASSIGN_OR_RETURN(LogBatches batches, TagBatch(batch, replies));
  ++logged_;
  turn_.NotifyAll();
  CO_RETURN_IF_ERROR(co_await AwaitWindow(batch.version));
  CO_RETURN_IF_ERROR(co_await Push(batch, std::move(batches)));
  under_way_bytes_ -= bytes;
  CO_RETURN_IF_ERROR(co_await Report(batch));
  Answer(batch);
  if (batch.has_snapshot) tasks_.Spawn("pop metadata", PopMetadata(batch.version - 1));
  --batches_under_way_;
  changed_.NotifyAll();
  co_return absl::OkStatus();
}

// Asks again when the answer, or the question, was lost on its way: whoever is asked here gives a
// question that comes again its first answer. `lose_first`, for simulation: the first answer is.
template <class Req, class Rep>
Task<absl::StatusOr<Message<Rep>>> CommitProxy::Ask(Endpoint role, Method<Req, Rep> method,
                                                    Message<Req> request, Duration attempt_max,
                                                    Duration silence_max, bool lose_first) {
  const Time give_up = After(env_.clock().Now(), silence_max);
  for (;;) {
    const bool lose =
        std::exchange(lose_first, false) || Buggify(env_, "commit_proxy.answer_lost", OneIn(100));
    const Duration timeout = lose ? Microseconds(100) : attempt_max;
    absl::StatusOr<Message<Rep>> reply = co_await rpc_.Call(role, method, request, timeout);
    if (reply.ok() || IsEndOfRole(reply.status()) || !IsRetryable(reply.status()) ||
        env_.clock().Now() >= give_up) {
      co_return reply;
    }
    PROBE(env_, "commit_proxy.asked_again");
    // Without a pause where time has passed already: the first question may still be under way.
    if (CodeOf(reply.status()) == ErrorCode::timed_out) continue;
    co_await Sleep(env_.clock(), knobs_.commit_proxy_retry_delay);
  }
}

template <class Req, class Rep>
Task<absl::StatusOr<Rep>> CommitProxy::AskSequencer(Method<Req, Rep> method, Req request) {
  absl::StatusOr<Message<Rep>> reply =
      co_await Ask(options_.sequencer, method, Message<Req>{std::move(request)},
                   knobs_.commit_proxy_call_timeout, knobs_.commit_proxy_sequencer_silence_max);
  if (!reply.ok()) {
    PROBE(env_, "commit_proxy.sequencer_gone");
    co_return reply.status();
  }
  co_return std::move(reply->header);
}

Task<absl::Status> CommitProxy::GetVersion(Batch& batch) {
  CommitVersionRequest request;
  request.set_proxy_id(options_.proxy_id);
  request.set_request_number(batch.number);
  request.set_answered_through(requests_answered_);
  absl::StatusOr<CommitVersionReply> reply = co_await AskSequencer(kGetCommitVersion, request);
  if (!reply.ok()) co_return reply.status();
  if (Buggify(env_, "commit_proxy.version.twice", OneIn(50))) {
    const absl::StatusOr<CommitVersionReply> again =
        co_await AskSequencer(kGetCommitVersion, request);
    if (!again.ok()) co_return again.status();
    EXPECT_RARE(env_, again->version() == reply->version(), "a request got two versions");
  }
  batch.previous = reply->previous_version();
  batch.version = reply->version();
  // Answers may come out of order.
  answered_early_.push_back(batch.number);
  std::ranges::sort(answered_early_);
  while (!answered_early_.empty() && answered_early_.front() == requests_answered_ + 1) {
    ++requests_answered_;
    answered_early_.erase(answered_early_.begin());
  }
  LearnCommitted(reply->committed_version());
  if (batch.version <= batch.previous || batch.previous < options_.first_version) {
    co_return Error(ErrorCode::internal_error, "the sequencer's chain goes backwards");
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<ResolveReply>>> CommitProxy::Resolve(Batch& batch) {
  ResolverSplit split(resolver_begins_);
  for (const Pending& each : batch.commits) {
    const std::string state = each.is_state ? StateMutations(each.transaction) : std::string();
    ResolveTransactionRef transaction;
    transaction.read_version = each.transaction.read_version;
    transaction.report_reads = each.report_conflicts;
    transaction.is_state = each.is_state;
    transaction.reads = each.transaction.reads;
    transaction.writes = each.transaction.writes;
    transaction.state_mutations = state;
    split.Add(transaction);
  }
  ResolveRequest request;
  request.set_proxy_id(options_.proxy_id);
  request.set_previous_version(batch.previous);
  request.set_version(batch.version);
  request.set_answered_through(applied_version_);
  request.set_transactions(split.transactions());
  std::vector<Task<absl::StatusOr<Message<ResolveReply>>>> calls;
  for (size_t i = 0; i < options_.resolvers.size(); ++i) {
    Message<ResolveRequest> message{request, Buffer::Copy(split.TakePart(i))};
    calls.push_back(Ask(options_.resolvers[i].endpoint, kResolve, std::move(message),
                        knobs_.commit_proxy_stage_timeout, knobs_.commit_proxy_stage_timeout));
  }
  ++resolved_;
  turn_.NotifyAll();
  std::vector<absl::StatusOr<Message<ResolveReply>>> answers = co_await WhenAll(std::move(calls));
  std::vector<ResolveReply> replies;
  for (absl::StatusOr<Message<ResolveReply>>& answer : answers) {
    if (!answer.ok()) {
      PROBE(env_, "commit_proxy.resolver_failed");
      co_return answer.status();
    }
    replies.push_back(std::move(answer->header));
  }
  absl::StatusOr<BatchVerdicts> verdicts = split.Combine(replies);
  if (!verdicts.ok()) co_return verdicts.status();
  batch.verdicts = *std::move(verdicts);
  co_return replies;
}

// Nothing is awaited here: the metadata are those of the batch's version from begin to end.
absl::StatusOr<LogBatches> CommitProxy::TagBatch(Batch& batch,
                                                 const std::vector<ResolveReply>& replies) {
  INVARIANT(batch.version > applied_version_, batch.version, applied_version_);
  RETURN_IF_ERROR(ApplyStateOfOthers(replies, batch.version));
  BatchTagger tagger(metadata_, teams_);
  const auto committed = [&batch](size_t i) {
    return batch.verdicts.verdicts[i] == Verdict::committed;
  };
  bool changed = false;
  for (size_t i = 0; i < batch.commits.size(); ++i) {
    if (!batch.commits[i].is_state || !committed(i)) continue;
    PROBE(env_, "commit_proxy.own_state");
    changed = true;
    for (const MutationRef& mutation : batch.commits[i].transaction.mutations) {
      if (Metadata::Touches(mutation)) tagger.ApplyOwn(mutation);
    }
  }
  if (changed) tag_bytes_max_ = TagBytesMax(metadata_.shards());
  std::vector<std::pair<std::string, uint16_t>> ids;
  for (size_t i = 0; i < batch.commits.size(); ++i) {
    if (!committed(i)) continue;
    const auto order = static_cast<uint16_t>(i);
    for (const MutationRef& mutation : batch.commits[i].transaction.mutations) {
      tagger.Add(mutation, batch.version, order);
    }
    if (!batch.commits[i].id.empty()) ids.emplace_back(batch.commits[i].id, order);
  }
  for (Mutation& row : CommittedRows(batch.version, ids)) tagger.AddOwned(std::move(row));
  applied_version_ = batch.version;
  batch.has_snapshot =
      pushed_since_snapshot_ >= static_cast<uint64_t>(knobs_.commit_proxy_snapshot_bytes);
  if (batch.has_snapshot) {
    PROBE(env_, "commit_proxy.snapshot");
    tagger.AddSnapshot();
    pushed_since_snapshot_ = 0;
  }
  LogBatches batches = tagger.Encode();
  size_t bytes = 0;
  for (const Buffer& each : batches.of_log) bytes = std::max(bytes, each.size());
  pushed_since_snapshot_ += bytes + kPageBytes;  // It may have a page of the queue for itself.
  return batches;
}

absl::Status CommitProxy::ApplyStateOfOthers(const std::vector<ResolveReply>& replies,
                                             Version before) {
  ASSIGN_OR_RETURN(const std::vector<AgreedStateTransaction> state,
                   AgreeOnState(replies, applied_version_));
  for (const AgreedStateTransaction& each : state) {
    PROBE(env_, "commit_proxy.state_of_others");
    if (each.version >= before) {
      return Error(ErrorCode::internal_error, "a state transaction from the future");
    }
    ASSIGN_OR_RETURN(MutationBatchReader reader, MutationBatchReader::Open(each.mutations));
    while (reader.remaining() > 0) {
      RETURN_IF_ERROR(reader.Next());
      RETURN_IF_ERROR(Metadata::Check(reader.mutation()));
      metadata_.Apply(reader.mutation());
    }
  }
  if (!state.empty()) tag_bytes_max_ = TagBytesMax(metadata_.shards());
  return absl::OkStatus();
}

// A version that is not known committed must not fall out of the window in which storage servers
// keep what they could not undo.
Task<absl::Status> CommitProxy::AwaitWindow(Version version) {
  while (known_committed_ < version - options_.window) {
    PROBE(env_, "commit_proxy.window_full");
    CO_ASSIGN_OR_RETURN(const CommittedVersionReply reply,
                        co_await AskSequencer(kGetCommittedVersion, CommittedVersionRequest()));
    LearnCommitted(reply.committed_version());
    if (known_committed_ >= version - options_.window) break;
    co_await Sleep(env_.clock(), knobs_.commit_proxy_retry_delay);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> CommitProxy::Push(const Batch& batch, LogBatches batches) {
  PushRequest request;
  request.set_previous_version(batch.previous);
  request.set_version(batch.version);
  request.set_known_committed(known_committed_);
  std::vector<Task<absl::StatusOr<Message<PushReply>>>> calls;
  // On all logs at once: what is durable on one of them is not lost.
  const bool again = Buggify(env_, "commit_proxy.push_again", OneIn(4));
  for (size_t log = 0; log < log_endpoints_.size(); ++log) {
    told_[log] = std::max(told_[log], known_committed_);
    Message<PushRequest> message{request, std::move(batches.of_log[log])};
    calls.push_back(Ask(log_endpoints_[log], kPush, std::move(message),
                        knobs_.commit_proxy_stage_timeout, knobs_.commit_proxy_stage_timeout,
                        again));
  }
  if (--batches_before_push_ == 0) changed_.NotifyAll();
  const std::vector<absl::StatusOr<Message<PushReply>>> replies =
      co_await WhenAll(std::move(calls));
  for (size_t log = 0; log < replies.size(); ++log) {
    if (!replies[log].ok()) {
      PROBE(env_, "commit_proxy.log_failed");
      co_return replies[log].status();
    }
    log_room_[log] = replies[log]->header.room_bytes();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> CommitProxy::Report(const Batch& batch) {
  ReportCommittedRequest request;
  request.set_version(batch.version);
  CO_RETURN_IF_ERROR(co_await Linger("commit_proxy.report.late"));
  absl::StatusOr<ReportCommittedReply> reply = co_await AskSequencer(kReportCommitted, request);
  if (!reply.ok()) co_return reply.status();
  LearnCommitted(std::max(batch.version, Version{reply->committed_version()}));
  co_return absl::OkStatus();
}

void CommitProxy::Answer(Batch& batch) {
  size_t next_read = 0;
  const std::vector<ConflictingRead>& reads = batch.verdicts.conflicting_reads;
  for (uint32_t i = 0; i < batch.commits.size(); ++i) {
    CommitReply reply;
    switch (batch.verdicts.verdicts[i]) {
      case Verdict::committed:
        reply.set_version(batch.version);
        reply.set_order(i);
        break;
      case Verdict::conflict:
        reply.set_outcome(CommitReply::CONFLICT);
        break;
      case Verdict::too_old:
        reply.set_outcome(CommitReply::TOO_OLD);
        break;
    }
    const bool committed = batch.verdicts.verdicts[i] == Verdict::committed;
    (committed ? committed_ : refused_).Add();
    for (; next_read < reads.size() && reads[next_read].transaction == i; ++next_read) {
      if (!committed) reply.add_conflicting_reads(reads[next_read].read);
    }
    batch.commits[i].reply.Set(std::move(reply));
  }
  batches_.Add();
  batch_size_.Record(batch.commits.size());
  commit_time_.Record(env_.clock().Now() - batch.begin);
}

// Pushes tell the logs what is committed. Where none is about to be sent, this does.
Task<absl::Status> CommitProxy::AdvanceLog(size_t log) {
  for (;;) {
    while (told_[log] >= known_committed_ || batches_before_push_ > 0) co_await advance_.Wait();
    AdvanceRequest request;
    request.set_known_committed(known_committed_);
    told_[log] = known_committed_;
    const absl::StatusOr<Message<AdvanceReply>> reply =
        co_await rpc_.Call(log_endpoints_[log], kAdvanceKnownCommitted,
                           Message<AdvanceRequest>{request}, knobs_.commit_proxy_call_timeout);
    if (!reply.ok()) {  // The next push makes up for it, or fails, too.
      PROBE(env_, "commit_proxy.advance_failed");
    }
  }
}

// REQUIRES: there is a snapshot of the metadata behind `version`, and it is known committed.
// Whatever is not popped now is popped with the next snapshot.
Task<absl::Status> CommitProxy::PopMetadata(Version version) {
  PopRequest request;
  request.mutable_tag()->set_kind(static_cast<uint32_t>(kMetadataTag.kind));
  request.mutable_tag()->set_id(kMetadataTag.id);
  request.set_incarnation(options_.proxy_id);
  request.set_version(version);
  std::vector<Task<absl::StatusOr<Message<PopReply>>>> calls;
  for (const Endpoint& log : log_endpoints_) {
    calls.push_back(rpc_.Call(log, kPop, Message<PopRequest>{request},
                              Duration(knobs_.commit_proxy_call_timeout)));
  }
  for (const absl::StatusOr<Message<PopReply>>& reply : co_await WhenAll(std::move(calls))) {
    if (!reply.ok()) PROBE(env_, "commit_proxy.pop_lost");
  }
  co_return absl::OkStatus();
}

void CommitProxy::LearnCommitted(Version version) {
  if (version <= known_committed_) return;
  known_committed_ = version;
  if (batches_before_push_ == 0) advance_.NotifyAll();
}

Task<absl::Status> CommitProxy::Linger(Purpose site) {
  if (Buggify(env_, site, OneIn(50))) {
    co_await Sleep(env_.clock(), env_.random(site).Between(Duration(0), Milliseconds(500)));
  }
  co_return absl::OkStatus();
}

}  // namespace orrery
