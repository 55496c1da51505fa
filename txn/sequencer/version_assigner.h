// VersionAssigner: the version chain of one generation, and what is known committed of it. Pure: no
// Env, no clock of its own, no coroutine.
//
// Requests of a proxy are numbered 1, 2, 3, ... and get their links in that order, each once: a
// request that comes again gets its first answer until the proxy has said that it arrived.
//
// Invariants
//  1. The links follow each other: the previous version of one is the version of the one before it;
//     the first one's is the first version. A step is at least 1 and at most the window.
//  2. No version is given beyond the committed version plus half the generation jump, so that no
//     version of this generation can reach the first one of the next.
//  3. The committed version never falls and never passes the last version given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "core/base/version.h"

namespace orrery {

struct VersionLink {
  Version previous = kInvalidVersion;
  Version version = kInvalidVersion;
  friend bool operator==(const VersionLink&, const VersionLink&) = default;
};

class VersionAssigner {
 public:
  struct Options {
    Version first_version = kInvalidVersion;
    Version window = 0;
    Version uncommitted_max = 0;  // Above the committed version.
    size_t unanswered_max = 0;    // Requests of one proxy whose answers are kept.
    std::vector<uint64_t> proxy_ids;
  };

  // REQUIRES: window > 0, uncommitted_max > 0, unanswered_max > 0.
  VersionAssigner(Options options, Time now);

  // The link of request `number` of `proxy`, a new one or the one it had before; nullopt while it
  // must wait: for an earlier request of the proxy, or until more is committed. `leap` makes a new
  // link as long as may be. Errors: generation_ended for a proxy that is not of this generation,
  // and for a request whose answer was said to have arrived; overloaded for one that runs more than
  // unanswered_max ahead; invalid_argument for numbers that make no sense.
  absl::StatusOr<std::optional<VersionLink>> Request(uint64_t proxy, uint64_t number,
                                                     uint64_t answered_through, Time now,
                                                     bool leap = false);

  // Everything up to `version` is committed. True when that is news. invalid_argument above
  // last_version().
  absl::StatusOr<bool> Report(Version version);

  Version committed() const { return committed_; }
  Version last_version() const { return last_; }
  size_t kept() const;  // Answers, of all proxies.

 private:
  // Answers to requests answered_through + 1, ... in order.
  struct Proxy {
    uint64_t answered_through = 0;
    std::deque<VersionLink> answers;
  };

  Version Step(Time now, bool leap);

  const Version window_;
  const Version uncommitted_max_;
  const size_t unanswered_max_;
  absl::btree_map<uint64_t, Proxy> proxies_;
  Version last_;
  Version committed_;
  Time last_time_;  // Up to which the passing of time has been turned into versions.
};

}  // namespace orrery
