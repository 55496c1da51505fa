// ByteSample: some of the rows, by which the bytes of a range are estimated.
//
// A row of `size` bytes (key and value) is sampled if hash(key) modulo unit < size, where unit =
// 250 * (key bytes + 100), and then stands for max(size, unit) bytes. So the sample depends on the
// rows alone, whatever their history: all replicas of a shard have the same one; a row counts on
// average with its size; and it takes about one 250th of the rows of 100 bytes. (The sampling of
// FoundationDB's storage server.)
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/keys.h"

namespace orrery {

class ByteSample {
 public:
  void Set(KeyRef key, uint64_t value_bytes);
  void Clear(KeyRangeRef range);

  // About. O(log n + sampled rows in the range).
  uint64_t Bytes(KeyRangeRef range) const;

  // Keys within the range that cut it into pieces of about `chunk_bytes`. REQUIRES: above 0.
  std::vector<Key> SplitKeys(KeyRangeRef range, uint64_t chunk_bytes) const;

  size_t size() const { return rows_.size(); }

 private:
  absl::btree_map<Key, uint64_t, std::less<>> rows_;  // What each stands for.
  uint64_t largest_ = 0;  // Of all rows ever set: bounds which may be sampled.
};

}  // namespace orrery
