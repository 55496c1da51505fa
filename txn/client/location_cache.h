// LocationCache: which servers have which keys, as far as it was asked: a bounded map of shards
// that do not overlap. Pure. It may be out of date: a server that does not have a key says so.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "core/base/keys.h"

namespace orrery {

class StorageServerClient;

struct ShardServers {
  KeyRange range;
  std::vector<std::shared_ptr<StorageServerClient>> servers;
};
using ShardServersPtr = std::shared_ptr<const ShardServers>;

class LocationCache {
 public:
  explicit LocationCache(size_t shards_max) : shards_max_(shards_max) {}

  // The shard that has `key`, or, with `before`, the keys just before `key`; nullptr: not known.
  ShardServersPtr Find(KeyRef key, bool before) const;

  // What was known of its range is forgotten; another shard is when there are too many.
  void Insert(ShardServersPtr shard);

  // Forgets it, if it is still what is known.
  void Forget(const ShardServersPtr& shard);

  size_t size() const { return shards_.size(); }

 private:
  using Shards = std::map<Key, ShardServersPtr, std::less<>>;  // By first key.

  const size_t shards_max_;
  Shards shards_;
  Key last_dropped_;
};

}  // namespace orrery
