// BatchPoints: the ends of all ranges of one batch, sorted and ranked. Private to ConflictSet.
//
// Point 2 r is where range r begins and point 2 r + 1 where it ends. Equal keys have equal ranks,
// ranks are dense from 0, and rank order is key order: ranges are half open, so range r covers the
// elementary intervals rank(2 r) up to, not including, rank(2 r + 1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/keys.h"
#include "txn/resolver/conflict_run.h"

namespace orrery {

class BatchPoints {
 public:
  void Clear() { keys_.clear(); }
  // The number of the new range. Its bytes must stay where they are. REQUIRES: not empty.
  uint32_t AddRange(const KeyRangeRef& range);

  // O(n log n) comparisons at worst; O(n) when few keys agree in the first three bytes in which
  // the keys of the batch differ at all.
  void Sort();

  // After Sort.
  size_t size() const { return keys_.size(); }
  size_t ranks() const { return first_of_rank_.size(); }
  uint32_t rank(size_t point) const { return rank_[point]; }
  const SplitKey& key(size_t point) const { return keys_[point]; }
  const SplitKey& key_of_rank(size_t rank) const { return keys_[first_of_rank_[rank]]; }
  // The points in key order.
  template <class Visit>
  void VisitInOrder(Visit visit) const {
    for (const Item& item : items_) visit(item.point);
  }

 private:
  struct Item {
    uint32_t digits;  // Three bytes of the key's head.
    uint32_t point;
  };

  void SortItems(std::span<Item> items);
  void SortByDigits(std::span<Item> items);

  std::vector<SplitKey> keys_;
  std::vector<Item> items_;
  std::vector<Item> spare_;
  std::vector<uint32_t> rank_;
  std::vector<uint32_t> first_of_rank_;
};

}  // namespace orrery
