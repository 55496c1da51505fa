// ConflictRanges: the keys that a transaction read, or wrote, for conflicts: a set of keys that is
// gathered as ranges in any order. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/keys.h"

namespace orrery {

class ConflictRanges {
 public:
  // An empty range adds nothing.
  void Add(KeyRangeRef range);
  void AddKey(KeyRef key);
  bool empty() const { return ranges_.empty(); }

  // The same keys in the fewest ranges, sorted. Valid until the next Add.
  const std::vector<KeyRange>& Merged();

 private:
  void Merge();

  std::vector<KeyRange> ranges_;
  size_t merged_ = 0;  // The first so many are sorted, and no two of them touch.
};

}  // namespace orrery
