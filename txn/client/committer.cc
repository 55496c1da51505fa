// The attempt, the fence, and the look.
#include "txn/client/committer.h"

#include <utility>

#include "core/base/encoding.h"
#include "core/base/fixed.h"
#include "core/env/buggify.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "txn/client/client_backoff.h"
#include "txn/client/client_errors.h"
#include "txn/proxy/commit_ids.h"
#include "txn/proxy/proxy_methods.h"

namespace orrery {
namespace {

// A reply without a version and an order that make sense is none.
absl::StatusOr<CommitAnswer> ToAnswer(const CommitReply& reply) {
  CommitAnswer answer;
  switch (reply.outcome()) {
    case CommitReply::COMMITTED:
      if (reply.version() <= 0 || reply.order() > UINT16_MAX) break;
      answer.committed = true;
      answer.version = reply.version();
      answer.order = static_cast<uint16_t>(reply.order());
      return answer;
    case CommitReply::CONFLICT:
      answer.conflicting_reads.assign(reply.conflicting_reads().begin(),
                                      reply.conflicting_reads().end());
      return answer;
    case CommitReply::TOO_OLD:
      answer.too_old = true;
      return answer;
    default:
      break;
  }
  return Error(ErrorCode::corrupt_frame, "the answer to a commit makes no sense");
}

}  // namespace

Committer::Committer(Env& env, Proxies& proxies, ReadVersions& versions, ShardReads& reads)
    : env_(env),
      proxies_(proxies),
      versions_(versions),
      reads_(reads),
      knobs_(env.knobs().Get<ClientKnobs>()) {}

std::string Committer::DrawId() {
  Random& random = env_.random("client.commit_id");
  std::string id;
  AppendFixed(id, random.Next());
  AppendFixed(id, random.Next());
  return id;
}

Task<absl::StatusOr<CommitAnswer>> Committer::Commit(CommitOrder order, bool* sent) {
  ClientBackoff backoff(env_, knobs_.client_backoff_max);
  const std::string encoded = EncodeTransaction(order.transaction);
  const Buffer attachment = Buffer::Copy(encoded);
  for (;;) {
    CO_RETURN_IF_ERROR(co_await proxies_.WaitUntilKnown());
    Message<CommitRequest> request;
    request.header.set_id(order.id);
    request.header.set_access_system_keys(order.access_system_keys);
    request.header.set_system_priority(order.system_priority);
    request.header.set_report_conflicts(order.report_conflicts);
    request.attachment = attachment;
    *sent = true;
    Duration timeout = knobs_.client_commit_timeout;
    if (Buggify(env_, "client.commit.impatient", OneIn(50))) {
      // The commit is still on its way when the search for it begins.
      timeout = env_.random("client.commit.impatient").Between(Duration(0), Milliseconds(50));
    }
    absl::StatusOr<Message<CommitReply>> reply =
        co_await proxies_.Call(Proxies::Kind::kCommit, kCommit, std::move(request), timeout);
    absl::StatusOr<CommitAnswer> answer =
        reply.ok() ? ToAnswer(reply->header) : absl::StatusOr<CommitAnswer>(reply.status());
    if (answer.ok()) co_return answer;
    if (!SurelyNotCommitted(answer.status())) break;
    *sent = false;
    const bool here_to_stay =
        !MayPassElsewhere(answer.status()) || CodeOf(answer.status()) == ErrorCode::log_space_low;
    if (here_to_stay) co_return answer;
    co_await backoff.Wait();
  }
  PROBE(env_, "client.commit_unknown");
  if (order.id.empty()) co_return Error(ErrorCode::commit_unknown_result);
  co_return co_await FindOutcome(order.id, order.transaction.read_version);
}

Task<absl::StatusOr<CommitAnswer>> Committer::FindOutcome(std::string id, Version read_version) {
  CO_ASSIGN_OR_RETURN(const Version fence, co_await Fence(id));
  Version at = fence;
  for (;;) {
    absl::StatusOr<CommitAnswer> answer = co_await Look(id, read_version, fence, at);
    if (answer.ok() || CodeOf(answer.status()) != ErrorCode::transaction_too_old) co_return answer;
    PROBE(env_, "client.look_too_old");
    CO_ASSIGN_OR_RETURN(at, co_await versions_.Get(TransactionPriority::kSystem));
  }
}

Task<absl::StatusOr<Version>> Committer::Fence(std::string id) {
  ClientBackoff backoff(env_, knobs_.client_backoff_max);
  const KeyRange range = AttemptRange(id);
  // Without reads it conflicts with nobody. It may be made several times: that changes nothing.
  CommitTransactionRef fence;
  fence.writes.push_back(range);
  const Buffer attachment = Buffer::Copy(EncodeTransaction(fence));
  for (;;) {
    CO_RETURN_IF_ERROR(co_await proxies_.WaitUntilKnown());
    Message<CommitRequest> request;
    request.header.set_access_system_keys(true);
    request.header.set_system_priority(true);
    request.attachment = attachment;
    absl::StatusOr<Message<CommitReply>> reply = co_await proxies_.Call(
        Proxies::Kind::kCommit, kCommit, std::move(request), knobs_.client_commit_timeout);
    if (reply.ok()) {
      const absl::StatusOr<CommitAnswer> answer = ToAnswer(reply->header);
      if (answer.ok() && answer->committed) co_return answer->version;
    } else if (!MayPassElsewhere(reply.status())) {
      if (auto e = env_.trace().Warn("ClientFenceRefused")) e.Add("error", reply.status());
      co_return Error(ErrorCode::outcome_unknown);
    }
    PROBE(env_, "client.fence_again");
    co_await backoff.Wait();
  }
}

Task<absl::StatusOr<CommitAnswer>> Committer::Look(std::string id, Version after, Version through,
                                                   Version at) {
  KeyRange rest = CommittedRange(after, through);
  while (rest.begin < rest.end) {
    CO_ASSIGN_OR_RETURN(const RangePiece piece, co_await reads_.GetRange(rest, {}, false, at));
    for (const KeyValueRef& row : piece.rows) {
      if (const auto found = FindInCommittedRow(row.key, row.value, id)) {
        PROBE(env_, "client.unknown_was_committed");
        CommitAnswer answer;
        answer.committed = true;
        answer.version = found->first;
        answer.order = found->second;
        co_return answer;
      }
    }
    rest.begin = piece.through;
  }
  CO_ASSIGN_OR_RETURN(const std::optional<std::string> expired,
                      co_await reads_.Get(Key(kCommittedExpiredKey), at));
  Version expired_through = kInvalidVersion;
  if (expired.has_value()) {
    uint64_t version = 0;
    ByteReader reader(*expired);
    // What does not parse may mean anything: then nothing can be told.
    expired_through = reader.ReadOrdered64(version) ? static_cast<Version>(version) : kVersionMax;
  }
  if (expired_through > after) {
    PROBE(env_, "client.commit_ids_expired");
    co_return Error(ErrorCode::outcome_unknown, "the record of the commit may have been removed");
  }
  PROBE(env_, "client.unknown_was_not_committed");
  co_return CommitAnswer();
}

}  // namespace orrery
