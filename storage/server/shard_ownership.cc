// Histories of ownership, cut and joined by segments. See shard_ownership.h.
#include "storage/server/shard_ownership.h"

#include <iterator>
#include <utility>

#include "core/base/invariant.h"

namespace orrery {

bool ShardOwnership::OwnedAt(const History& history, Version version) {
  for (auto at = history.rbegin(); at != history.rend(); ++at) {
    if (at->version <= version) return at->owned;
  }
  return false;
}

// Makes `key` the first key of a segment.
ShardOwnership::Segments::iterator ShardOwnership::Cut(KeyRef key) {
  auto after = segments_.upper_bound(key);
  const auto holder = std::prev(after);
  if (holder->first == key) return holder;
  History history = holder->second;
  return segments_.emplace(Key(key), std::move(history)).first;
}

void ShardOwnership::Change(KeyRangeRef range, bool owned, Version version) {
  INVARIANT(!range.empty() && version >= last_change_, version, last_change_);
  last_change_ = version;
  has_history_ = true;
  Cut(range.begin);
  Cut(range.end);
  for (auto at = segments_.find(Key(range.begin)); at->first != range.end; ++at) {
    History& history = at->second;
    if (!history.empty() && history.back().version == version) history.pop_back();
    if (OwnedAt(history, version) != owned) history.push_back({version, owned});
  }
}

bool ShardOwnership::Owned(KeyRangeRef range, Version version) const {
  auto at = std::prev(segments_.upper_bound(range.begin));
  for (; at != segments_.end() && at->first < range.end; ++at) {
    if (!OwnedAt(at->second, version)) return false;
  }
  return true;
}

bool ShardOwnership::OwnedKey(KeyRef key, Version version) const {
  return OwnedAt(std::prev(segments_.upper_bound(key))->second, version);
}

void ShardOwnership::Forget(Version oldest) {
  if (!has_history_) return;
  has_history_ = false;
  const History* before = nullptr;
  for (auto at = segments_.begin(); at != segments_.end();) {
    History& history = at->second;
    // The last entry at or below `oldest` stands for all before it.
    while (history.size() > 1 && history[1].version <= oldest) history.erase(history.begin());
    if (!history.empty() && history[0].version <= oldest) {
      if (history[0].owned) {
        history[0].version = 0;
      } else {
        history.erase(history.begin());
      }
    }
    has_history_ =
        has_history_ || history.size() > 1 || (!history.empty() && history[0].version != 0);
    if (before != nullptr && *before == history) {
      at = segments_.erase(at);
      before = &std::prev(at)->second;
    } else {
      before = &history;
      ++at;
    }
  }
}

std::vector<KeyRange> ShardOwnership::OwnedRanges(Version version) const {
  std::vector<KeyRange> ranges;
  for (auto at = segments_.begin(); at != segments_.end(); ++at) {
    if (!OwnedAt(at->second, version)) continue;
    const auto next = std::next(at);
    INVARIANT(next != segments_.end(), "no shard is without end");
    if (!ranges.empty() && ranges.back().end == at->first) {
      ranges.back().end = next->first;
    } else {
      ranges.push_back({at->first, next->first});
    }
  }
  return ranges;
}

}  // namespace orrery
