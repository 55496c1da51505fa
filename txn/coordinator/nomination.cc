// A handful of candidates: everything is a walk over all of them.
#include "txn/coordinator/nomination.h"

#include <algorithm>
#include <tuple>

#include "core/base/invariant.h"

namespace orrery {

bool Nomination::PollBegan(const Candidate& candidate) {
  INVARIANT(candidate.id != 0);
  if (present_.size() >= kCandidatesMax && !present_.contains(candidate.id)) return false;
  Presence& presence = present_[candidate.id];
  presence.candidate = candidate;
  ++presence.polls;
  return true;
}

void Nomination::PollEnded(uint64_t id, Time until) {
  Presence& presence = present_.at(id);
  INVARIANT(presence.polls > 0, id);
  --presence.polls;
  presence.until = until;
}

void Nomination::Expire(Time now) {
  std::erase_if(present_, [now](const auto& entry) {
    return entry.second.polls == 0 && entry.second.until <= now;
  });
}

Time Nomination::next_expiry() const {
  Time next = kNever;
  for (const auto& [id, presence] : present_) {
    if (presence.polls == 0) next = std::min(next, presence.until);
  }
  return next;
}

Nomination::Candidate Nomination::named() const {
  const auto rank = [](const Candidate& c) { return std::tuple(c.priority, !c.leads, c.id); };
  Candidate best;
  for (const auto& [id, presence] : present_) {
    if (best.id == 0 || rank(presence.candidate) < rank(best)) best = presence.candidate;
  }
  return best;
}

}  // namespace orrery
