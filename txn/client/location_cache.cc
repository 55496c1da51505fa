// Shards by their first key.
#include "txn/client/location_cache.h"

#include <utility>

namespace orrery {

ShardServersPtr LocationCache::Find(KeyRef key, bool before) const {
  const auto after = before ? shards_.lower_bound(key) : shards_.upper_bound(key);
  if (after == shards_.begin()) return nullptr;
  const ShardServersPtr& shard = std::prev(after)->second;
  const bool has = before ? key <= shard->range.end : key < shard->range.end;
  return has ? shard : nullptr;
}

void LocationCache::Insert(ShardServersPtr shard) {
  auto it = shards_.lower_bound(shard->range.begin);
  if (it != shards_.begin() && std::prev(it)->second->range.end > shard->range.begin) --it;
  while (it != shards_.end() && it->first < shard->range.end) it = shards_.erase(it);
  if (shards_.size() >= shards_max_) {
    // Round the key space: over time each is dropped as often as any other.
    auto victim = shards_.upper_bound(last_dropped_);
    if (victim == shards_.end()) victim = shards_.begin();
    if (victim != shards_.end()) {
      last_dropped_ = victim->first;
      shards_.erase(victim);
    }
  }
  Key begin = shard->range.begin;
  shards_.insert_or_assign(std::move(begin), std::move(shard));
}

void LocationCache::Forget(const ShardServersPtr& shard) {
  const auto it = shards_.find(shard->range.begin);
  if (it != shards_.end() && it->second == shard) shards_.erase(it);
}

}  // namespace orrery
