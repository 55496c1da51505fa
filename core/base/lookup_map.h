// LookupMap and LookupSet: hash containers that can be looked up but not walked, because the order
// of a walk differs between two runs of one program. To walk, use absl::btree_map, or keep the
// order beside it.
#pragma once

#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace orrery {

template <class Key, class Value>
class LookupMap {
 public:
  // The value under `key`, or nullptr. Valid until the next change of the map.
  template <class K>
  Value* Find(const K& key) {
    const auto at = map_.find(key);
    return at == map_.end() ? nullptr : &at->second;
  }
  template <class K>
  const Value* Find(const K& key) const {
    const auto at = map_.find(key);
    return at == map_.end() ? nullptr : &at->second;
  }
  template <class K>
  bool Contains(const K& key) const {
    return map_.contains(key);
  }

  // Adds `key` unless it is there. The value under it, and whether it was added.
  template <class K, class... Args>
  std::pair<Value*, bool> TryEmplace(K&& key, Args&&... args) {
    const auto [at, added] = map_.try_emplace(std::forward<K>(key), std::forward<Args>(args)...);
    return {&at->second, added};
  }
  template <class K>
  Value& operator[](K&& key) {
    return map_[std::forward<K>(key)];
  }
  // True when `key` was there.
  template <class K>
  bool Erase(const K& key) {
    return map_.erase(key) > 0;
  }
  void Clear() { map_.clear(); }
  size_t size() const { return map_.size(); }
  bool empty() const { return map_.empty(); }

 private:
  absl::flat_hash_map<Key, Value> map_;
};

template <class Key>
class LookupSet {
 public:
  template <class K>
  bool Contains(const K& key) const {
    return set_.contains(key);
  }
  // True when `key` was not there before.
  template <class K>
  bool Insert(K&& key) {
    return set_.insert(std::forward<K>(key)).second;
  }
  template <class K>
  bool Erase(const K& key) {
    return set_.erase(key) > 0;
  }
  void Clear() { set_.clear(); }
  size_t size() const { return set_.size(); }
  bool empty() const { return set_.empty(); }

 private:
  absl::flat_hash_set<Key> set_;
};

}  // namespace orrery
