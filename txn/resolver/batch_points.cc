// Sorting of a batch's points: radix sort on the bytes in which they differ first, then comparisons
// among those that agree there. See batch_points.h.
#include "txn/resolver/batch_points.h"

#include <algorithm>
#include <array>
#include <utility>

namespace orrery {

namespace {

constexpr int kDigits = 3;
constexpr size_t kSmall = 64;  // Below, comparisons are faster than counting.

}  // namespace

uint32_t BatchPoints::AddRange(const KeyRangeRef& range) {
  keys_.push_back(Split(range.begin));
  keys_.push_back(Split(range.end));
  return static_cast<uint32_t>(keys_.size() / 2 - 1);
}

void BatchPoints::Sort() {
  items_.resize(keys_.size());
  spare_.resize(keys_.size());
  for (uint32_t i = 0; i < items_.size(); ++i) items_[i] = {0, i};
  SortItems(items_);
  rank_.resize(keys_.size());
  first_of_rank_.clear();
  for (size_t i = 0; i < items_.size(); ++i) {
    const uint32_t point = items_[i].point;
    if (i == 0 || Compare(keys_[items_[i - 1].point], keys_[point]) != 0) {
      first_of_rank_.push_back(point);
    }
    rank_[point] = static_cast<uint32_t>(first_of_rank_.size() - 1);
  }
}

void BatchPoints::SortItems(std::span<Item> items) {
  const auto by_key = [this](const Item& a, const Item& b) {
    return Compare(keys_[a.point], keys_[b.point]) < 0;
  };
  if (items.size() <= kSmall) return std::sort(items.begin(), items.end(), by_key);
  KeyHead differing = 0;
  const KeyHead first = keys_[items[0].point].head;
  for (const Item& item : items) differing |= keys_[item.point].head ^ first;
  if (differing == 0) return std::sort(items.begin(), items.end(), by_key);
  // The shifts of the first bytes that differ; a missing one repeats the last, which harms nothing.
  std::array<int, kDigits> shifts{};
  int found = 0;
  for (int shift = 120; shift >= 0 && found < kDigits; shift -= 8) {
    if (((differing >> shift) & 0xff) != 0) shifts[static_cast<size_t>(found++)] = shift;
  }
  for (; found < kDigits; ++found) {
    shifts[static_cast<size_t>(found)] = shifts[static_cast<size_t>(found - 1)];
  }
  for (Item& item : items) {
    const KeyHead head = keys_[item.point].head;
    item.digits = 0;
    for (const int shift : shifts) {
      item.digits = item.digits << 8 | static_cast<uint32_t>((head >> shift) & 0xff);
    }
  }
  SortByDigits(items);
  for (size_t begin = 0; begin < items.size();) {
    size_t end = begin + 1;
    while (end < items.size() && items[end].digits == items[begin].digits) ++end;
    if (end - begin > 1) SortItems(items.subspan(begin, end - begin));
    begin = end;
  }
}

// Least significant digit first, each pass stable.
void BatchPoints::SortByDigits(std::span<Item> items) {
  std::array<std::array<uint32_t, 256>, kDigits> counts{};
  for (const Item& item : items) {
    for (size_t d = 0; d < kDigits; ++d) ++counts[d][(item.digits >> (8 * d)) & 0xff];
  }
  std::span<Item> from = items;
  std::span<Item> to = std::span(spare_).first(items.size());
  for (size_t d = 0; d < kDigits; ++d) {
    uint32_t next = 0;
    for (uint32_t& count : counts[d]) next += std::exchange(count, next);
    for (const Item& item : from) to[counts[d][(item.digits >> (8 * d)) & 0xff]++] = item;
    std::swap(from, to);
  }
  std::copy(from.begin(), from.end(), to.begin());  // An odd number of passes ended in spare_.
}

}  // namespace orrery
