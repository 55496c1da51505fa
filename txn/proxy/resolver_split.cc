// Cutting ranges at the resolvers' borders, and putting their answers together.
#include "txn/proxy/resolver_split.h"

#include <algorithm>
#include <utility>

#include "core/base/error_codes.h"
#include "core/base/invariant.h"

namespace orrery {
namespace {

// The part of `range` that the resolver which begins at begins[resolver] has.
KeyRangeRef Cut(KeyRangeRef range, const std::vector<Key>& begins, size_t resolver) {
  if (range.begin < begins[resolver]) range.begin = begins[resolver];
  if (resolver + 1 < begins.size() && range.end > begins[resolver + 1]) {
    range.end = begins[resolver + 1];
  }
  return range;
}

// Whether that resolver judges the range. An empty one is judged where it begins.
bool Has(const KeyRangeRef& range, const std::vector<Key>& begins, size_t resolver) {
  const bool starts = range.begin >= begins[resolver] &&
                      (resolver + 1 == begins.size() || range.begin < begins[resolver + 1]);
  return starts || (range.begin < begins[resolver] && range.end > begins[resolver]);
}

bool IsVerdict(char byte) {
  return byte >= static_cast<char>(Verdict::committed) &&
         byte <= static_cast<char>(Verdict::too_old);
}

}  // namespace

ResolverSplit::ResolverSplit(const std::vector<Key>& begins)
    : begins_(begins), parts_(begins.size()) {
  INVARIANT(!begins.empty() && begins.front().empty());
}

void ResolverSplit::Add(const ResolveTransactionRef& transaction) {
  ++transactions_;
  if (parts_.size() == 1) {
    AppendResolveTransaction(transaction, parts_.front().bytes);
    return;
  }
  for (size_t resolver = 0; resolver < parts_.size(); ++resolver) {
    AddToPart(resolver, transaction);
  }
}

void ResolverSplit::AddToPart(size_t resolver, const ResolveTransactionRef& transaction) {
  Part& part = parts_[resolver];
  ResolveTransactionRef cut;
  cut.read_version = transaction.read_version;
  cut.report_reads = transaction.report_reads;
  cut.is_state = transaction.is_state;
  cut.state_mutations = transaction.state_mutations;
  std::vector<uint32_t> places;
  for (uint32_t i = 0; i < transaction.reads.size(); ++i) {
    if (!Has(transaction.reads[i], begins_, resolver)) continue;
    cut.reads.push_back(Cut(transaction.reads[i], begins_, resolver));
    if (transaction.report_reads) places.push_back(i);
  }
  for (const KeyRangeRef& write : transaction.writes) {
    if (Has(write, begins_, resolver)) cut.writes.push_back(Cut(write, begins_, resolver));
  }
  part.reads.push_back(std::move(places));
  AppendResolveTransaction(cut, part.bytes);
}

absl::StatusOr<BatchVerdicts> ResolverSplit::Combine(
    const std::vector<ResolveReply>& replies) const {
  const absl::Status wrong = Error(ErrorCode::corrupt_frame, "an answer to another batch");
  if (replies.size() != parts_.size()) return wrong;
  BatchVerdicts combined;
  combined.verdicts.assign(transactions_, Verdict::committed);
  for (size_t resolver = 0; resolver < replies.size(); ++resolver) {
    const ResolveReply& reply = replies[resolver];
    const std::string& verdicts = reply.verdicts();
    if (verdicts.size() != transactions_ || !std::ranges::all_of(verdicts, IsVerdict) ||
        reply.conflicting_reads_size() % 2 != 0) {
      return wrong;
    }
    for (uint32_t i = 0; i < transactions_; ++i) {
      const auto verdict = static_cast<Verdict>(verdicts[i]);
      if (verdict == Verdict::committed || combined.verdicts[i] == Verdict::conflict) continue;
      combined.verdicts[i] = verdict;
    }
    for (int i = 0; i < reply.conflicting_reads_size(); i += 2) {
      const uint32_t transaction = reply.conflicting_reads(i);
      uint32_t read = reply.conflicting_reads(i + 1);
      if (transaction >= transactions_) return wrong;
      if (parts_.size() > 1) {
        const std::vector<uint32_t>& places = parts_[resolver].reads[transaction];
        if (read >= places.size()) return wrong;
        read = places[read];
      }
      combined.conflicting_reads.push_back({transaction, read});
    }
  }
  // A range that several resolvers judged may have been told several times.
  std::ranges::sort(combined.conflicting_reads);
  const auto repeats = std::ranges::unique(combined.conflicting_reads);
  combined.conflicting_reads.erase(repeats.begin(), repeats.end());
  return combined;
}

absl::StatusOr<std::vector<AgreedStateTransaction>> AgreeOnState(
    const std::vector<ResolveReply>& replies, Version after) {
  std::vector<const StateTransaction*> first;
  std::vector<bool> committed;
  for (size_t resolver = 0; resolver < replies.size(); ++resolver) {
    size_t place = 0;
    for (const StateTransaction& each : replies[resolver].state()) {
      if (each.version() <= after) continue;
      if (resolver == 0) {
        first.push_back(&each);
        committed.push_back(each.committed());
        continue;
      }
      if (place >= first.size() || first[place]->version() != each.version() ||
          first[place]->order() != each.order()) {
        return Error(ErrorCode::generation_ended, "resolvers tell of different state transactions");
      }
      if (!each.committed()) committed[place] = false;
      ++place;
    }
    if (resolver > 0 && place != first.size()) {
      return Error(ErrorCode::generation_ended, "a resolver tells of fewer state transactions");
    }
  }
  std::vector<AgreedStateTransaction> agreed;
  for (size_t i = 0; i < first.size(); ++i) {
    if (committed[i]) agreed.push_back({first[i]->version(), first[i]->mutations()});
  }
  return agreed;
}

}  // namespace orrery
