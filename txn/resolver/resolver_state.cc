// Standing of requests, resolving, and what is forgotten when.
#include "txn/resolver/resolver_state.h"

#include <algorithm>
#include <utility>

#include "core/base/invariant.h"
#include "txn/resolver/resolve_codec.h"

namespace orrery {

ResolverState::ResolverState(Options options)
    : options_(std::move(options)),
      conflicts_(options_.first_version),
      last_(options_.first_version) {
  INVARIANT(options_.window > 0, options_.window);
  for (const uint64_t id : options_.proxy_ids) {
    proxies_[id].answered_through = options_.first_version;
  }
}

ResolverState::Standing ResolverState::Arrive(const ResolveRequest& request) {
  const auto at = proxies_.find(request.proxy_id());
  if (at == proxies_.end()) return Standing::kRefused;
  Proxy& proxy = at->second;
  const Version arrived = request.answered_through();
  if (request.version() <= request.previous_version() || arrived >= request.version() ||
      arrived > last_) {
    return Standing::kBroken;
  }
  if (arrived > proxy.answered_through) {
    proxy.answered_through = arrived;
    proxy.answers.erase(proxy.answers.begin(), proxy.answers.upper_bound(arrived));
    Trim();
  }
  if (request.version() <= last_) {
    return proxy.answers.contains(request.version()) ? Standing::kAnswered : Standing::kForgotten;
  }
  if (request.previous_version() > last_) return Standing::kEarly;
  if (request.previous_version() < last_) return Standing::kBroken;
  if (proxy.answered_through < state_forgotten_through_ ||
      proxy.answers.size() >= options_.answers_max) {
    return Standing::kRefused;
  }
  return Standing::kTurn;
}

const ResolveReply& ResolverState::answer(const ResolveRequest& request) const {
  return proxies_.at(request.proxy_id()).answers.at(request.version());
}

absl::StatusOr<ResolveReply> ResolverState::Resolve(const ResolveRequest& request,
                                                    std::string_view attachment) {
  INVARIANT(request.previous_version() == last_, request.previous_version(), last_);
  ASSIGN_OR_RETURN(const std::vector<ResolveTransactionRef> batch,
                   ParseResolveTransactions(attachment, request.transactions()));
  const Version version = request.version();
  conflicts_.SetOldest(version - options_.window);
  std::vector<ConflictTransaction> judged;
  judged.reserve(batch.size());
  for (const ResolveTransactionRef& each : batch) {
    judged.push_back({.read_version = each.read_version,
                      .reads = each.reads,
                      .writes = each.writes,
                      .report_reads = each.report_reads});
  }
  const BatchVerdicts& result = conflicts_.Resolve(version, judged);
  last_ = version;

  ResolveReply reply;
  std::string& verdicts = *reply.mutable_verdicts();
  verdicts.reserve(batch.size());
  for (const Verdict each : result.verdicts) verdicts.push_back(static_cast<char>(each));
  for (const ConflictingRead& each : result.conflicting_reads) {
    reply.add_conflicting_reads(each.transaction);
    reply.add_conflicting_reads(each.read);
  }
  Proxy& proxy = proxies_.at(request.proxy_id());
  for (const StateTransaction& each : state_) {
    if (each.version() > proxy.answered_through) *reply.add_state() = each;
  }
  for (uint32_t order = 0; order < batch.size(); ++order) {
    if (!batch[order].is_state) continue;
    StateTransaction& kept = state_.emplace_back();
    kept.set_version(version);
    kept.set_order(order);
    kept.set_committed(result.verdicts[order] == Verdict::committed);
    if (options_.keep_mutations) kept.set_mutations(std::string(batch[order].state_mutations));
    state_bytes_ += BytesOf(kept);
  }
  Trim();
  proxy.answers.emplace(version, reply);
  return reply;
}

// Forgets what every proxy has. Beyond the limit also what some lack, a whole version at a time,
// but never the last one's: nobody can have that yet.
void ResolverState::Trim() {
  Version had_by_all = last_;
  for (const auto& [id, proxy] : proxies_) {
    had_by_all = std::min(had_by_all, proxy.answered_through);
  }
  const auto forget = [this] {
    const Version version = state_.front().version();
    while (!state_.empty() && state_.front().version() == version) {
      state_bytes_ -= BytesOf(state_.front());
      state_.pop_front();
    }
    return version;
  };
  while (!state_.empty() && state_.front().version() <= had_by_all) forget();
  while (state_bytes_ > options_.state_bytes_max && state_.front().version() < last_) {
    state_forgotten_through_ = forget();
  }
}

size_t ResolverState::BytesOf(const StateTransaction& transaction) {
  return sizeof(StateTransaction) + transaction.mutations().size();
}

size_t ResolverState::answers() const {
  size_t count = 0;
  for (const auto& [id, proxy] : proxies_) count += proxy.answers.size();
  return count;
}

}  // namespace orrery
