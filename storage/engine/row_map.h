// RowMap: an ordered map from keys to values in memory. A row is one allocation; the tree holds its
// first 16 key bytes beside the pointer, so that most comparisons touch no row.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/container/btree_set.h"
#include "core/base/key_head.h"
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
    const auto begin = rows_.lower_bound(Probe(range.begin));
    const auto end = rows_.lower_bound(Probe(range.end));
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
    for (auto at = rows_.lower_bound(Probe(begin)); at != rows_.end(); ++at) {
      if (!visit(at->key(), at->value())) return;
    }
  }

  uint64_t size() const { return rows_.size(); }
  uint64_t bytes() const { return bytes_; }  // Of keys and values.

 private:
  class Row {
   public:
    Row(KeyRef key, std::string_view value);

    KeyRef key() const { return {body() + 8, length(0)}; }
    std::string_view value() const { return {body() + 8 + length(0), length(4)}; }
    KeyHead head() const { return static_cast<KeyHead>(high_) << 64 | low_; }

   private:
    const char* body() const { return body_.get(); }
    uint32_t length(size_t at) const {
      uint32_t bytes;
      std::memcpy(&bytes, body() + at, sizeof(bytes));
      return bytes;
    }

    uint64_t high_;  // The head, in two words, which pack better than one.
    uint64_t low_;
    std::unique_ptr<char[]> body_;  // Lengths of key and value (4 bytes each), key, value.
  };

  struct Probe {
    explicit Probe(KeyRef k) : head(HeadOf(k)), key(k) {}
    KeyHead head;
    KeyRef key;
  };

  struct Less {
    using is_transparent = void;
    bool operator()(const Row& a, const Row& b) const {
      const KeyHead x = a.head(), y = b.head();
      return x != y ? x < y : a.key() < b.key();
    }
    bool operator()(const Row& a, const Probe& b) const {
      const KeyHead x = a.head();
      return x != b.head ? x < b.head : a.key() < b.key;
    }
    bool operator()(const Probe& a, const Row& b) const {
      const KeyHead y = b.head();
      return a.head != y ? a.head < y : a.key < b.key();
    }
  };

  absl::btree_set<Row, Less> rows_;
  uint64_t bytes_ = 0;
};

}  // namespace orrery
