// Which rows are in the sample, and the sums over a range of it. See byte_sample.h.
#include "storage/server/byte_sample.h"

#include <algorithm>

#include "core/base/hash.h"

namespace orrery {

void ByteSample::Set(KeyRef key, uint64_t value_bytes) {
  const uint64_t size = key.size() + value_bytes;
  const uint64_t unit = 250 * (key.size() + 100);
  largest_ = std::max(largest_, size);
  const uint64_t place = HashBytes(key) % unit;
  if (place >= largest_) return;  // Nor was it when it had another value.
  if (place < size) {
    rows_[Key(key)] = std::max(size, unit);
  } else {
    rows_.erase(Key(key));
  }
}

void ByteSample::Clear(KeyRangeRef range) {
  if (range.empty()) return;
  const auto begin = rows_.lower_bound(range.begin);
  if (begin == rows_.end() || begin->first >= range.end) return;
  rows_.erase(begin, rows_.lower_bound(range.end));
}

uint64_t ByteSample::Bytes(KeyRangeRef range) const {
  uint64_t bytes = 0;
  for (auto at = rows_.lower_bound(range.begin); at != rows_.end() && at->first < range.end; ++at) {
    bytes += at->second;
  }
  return bytes;
}

std::vector<Key> ByteSample::SplitKeys(KeyRangeRef range, uint64_t chunk_bytes) const {
  std::vector<Key> keys;
  uint64_t bytes = 0;
  for (auto at = rows_.lower_bound(range.begin); at != rows_.end() && at->first < range.end; ++at) {
    if (bytes >= chunk_bytes && at->first != range.begin) {
      keys.push_back(at->first);
      bytes = 0;
    }
    bytes += at->second;
  }
  return keys;
}

}  // namespace orrery
