// RowMap: an ordered map from keys to values in memory. A row is one allocation; the tree holds its
// first 8 key bytes beside the pointer, so that most comparisons touch no row.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/container/btree_set.h"
#include "core/base/keys.h"

namespace orrery {

class RowMap {
 public:
  void Set(KeyRef key, std::string_view value);
  void Clear(KeyRangeRef range);

  // Valid until the next change.
  std::optional<std::string_view> Find(KeyRef key) const;

  // Calls visit(key, value) for rows of the range, ascending or descending, until it gives false.
  template <class Visit>
  void Scan(KeyRangeRef range, bool reverse, Visit visit) const {
    if (range.empty()) return;
    const auto begin = rows_.lower_bound(range.begin);
    const auto end = rows_.lower_bound(range.end);
    if (reverse) {
      for (auto at = end; at != begin;) {
        --at;
        if (!visit(at->key(), at->value())) return;
      }
    } else {
      for (auto at = begin; at != end; ++at) {
        if (!visit(at->key(), at->value())) return;
      }
    }
  }

  // The same for all rows from `begin` on, ascending.
  template <class Visit>
  void ScanFrom(KeyRef begin, Visit visit) const {
    for (auto at = rows_.lower_bound(begin); at != rows_.end(); ++at) {
      if (!visit(at->key(), at->value())) return;
    }
  }

  uint64_t size() const { return rows_.size(); }
  uint64_t bytes() const { return bytes_; }  // Of keys and values.

 private:
  class Row {
   public:
    Row(KeyRef key, std::string_view value);

    KeyRef key() const { return {body() + 8, head(0)}; }
    std::string_view value() const { return {body() + 8 + head(0), head(4)}; }
    uint64_t prefix() const { return prefix_; }

   private:
    const char* body() const { return body_.get(); }
    uint32_t head(size_t at) const {
      uint32_t bytes;
      std::memcpy(&bytes, body() + at, sizeof(bytes));
      return bytes;
    }

    uint64_t prefix_;
    std::unique_ptr<char[]> body_;  // Lengths of key and value (4 bytes each), key, value.
  };

  struct Less {
    using is_transparent = void;
    bool operator()(const Row& a, const Row& b) const {
      return a.prefix() != b.prefix() ? a.prefix() < b.prefix() : a.key() < b.key();
    }
    bool operator()(const Row& a, KeyRef b) const {
      const uint64_t prefix = PrefixOf(b);
      return a.prefix() != prefix ? a.prefix() < prefix : a.key() < b;
    }
    bool operator()(KeyRef a, const Row& b) const {
      const uint64_t prefix = PrefixOf(a);
      return prefix != b.prefix() ? prefix < b.prefix() : a < b.key();
    }
  };

  // The first 8 bytes as an integer that orders like them; missing bytes count as zero.
  static uint64_t PrefixOf(KeyRef key) {
    uint64_t word = 0;
    if (!key.empty()) std::memcpy(&word, key.data(), key.size() < 8 ? key.size() : 8);
    return __builtin_bswap64(word);
  }

  absl::btree_set<Row, Less> rows_;
  uint64_t bytes_ = 0;
};

}  // namespace orrery
