// Nomination: whom one coordinator names as the leader, among the candidates that are present.
// Pure: times are handed in.
//
// A candidate is present while a poll of it is held, and for a while after its last poll ended:
// a short one if the poll broke, because its process has most likely died.
//
// Named is the best of those present:
//   1. the smallest priority,
//   2. one that leads already before one that does not, so that a newcomer deposes nobody,
//   3. the smallest id.
// The order is the same everywhere, so coordinators that hear the same candidates name the same.
// No safety depends on any of this.
#pragma once

#include <cstdint>
#include <map>

#include "core/base/time.h"

namespace orrery {

class Nomination {
 public:
  struct Candidate {
    uint64_t id = 0;  // 0: nobody.
    uint32_t priority = 0;
    bool leads = false;  // It says that a majority named it.
  };

  // More candidates than this are not heard: each process stands at most once at a time.
  static constexpr size_t kCandidatesMax = 10'000;

  // A poll of the candidate began. What it says of itself replaces what it said before. False if
  // there are too many candidates: nothing changes, and PollEnded must not follow.
  // REQUIRES: id is not 0.
  [[nodiscard]] bool PollBegan(const Candidate& candidate);

  // A poll of it ended; it stays present until `until` if no other poll is held.
  void PollEnded(uint64_t id, Time until);

  // Forgets those that are not present any more.
  void Expire(Time now);

  // When Expire has something to do next; kNever if nobody's time is running.
  Time next_expiry() const;

  bool IsPresent(uint64_t id) const { return present_.contains(id); }

  // Named now; id 0 if nobody is present.
  Candidate named() const;

 private:
  struct Presence {
    Candidate candidate;
    uint32_t polls = 0;
    Time until{};  // If polls == 0.
  };

  std::map<uint64_t, Presence> present_;  // By id.
};

}  // namespace orrery
