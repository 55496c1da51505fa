// ShardOwnership: which keys are this server's, and from which version on. A pure structure.
//
// Every key has a short history of (version, owned); before its first entry it was not owned. Keys
// of one history lie together in a segment.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/keys.h"
#include "core/base/version.h"

namespace orrery {

class ShardOwnership {
 public:
  // From `version` on the keys of `range` are this server's, or are not. REQUIRES: the range is not
  // empty; version is not below that of a call before.
  void Change(KeyRangeRef range, bool owned, Version version);

  // Whether every key of the range, which is not empty, is owned at `version`.
  bool Owned(KeyRangeRef range, Version version) const;
  bool OwnedKey(KeyRef key, Version version) const;

  // Nobody will ask about versions below `oldest`.
  void Forget(Version oldest);

  // The ranges owned at `version`, ascending, as wide as they can be.
  std::vector<KeyRange> OwnedRanges(Version version) const;

  // Of the last Change; kInvalidVersion when there was none.
  Version last_change() const { return last_change_; }

 private:
  struct Entry {
    Version version;
    bool owned;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  using History = std::vector<Entry>;  // Ascending in versions.
  using Segments = absl::btree_map<Key, History, std::less<>>;

  static bool OwnedAt(const History& history, Version version);
  Segments::iterator Cut(KeyRef key);

  // By first key. Keys before the first segment have no history; "" is always one.
  Segments segments_{{Key(), History()}};
  Version last_change_ = kInvalidVersion;
  bool has_history_ = false;  // Some segment has more than one entry, or one that may be dropped.
};

}  // namespace orrery
