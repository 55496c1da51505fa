// RangeMerge: the rows of a range at a version, out of the window and the engine below it.
//
// The engine's rows are pushed through it in the order of the read, in one piece or several; it
// puts the window's in their places, drops what the window has overwritten or cleared, and writes
// what is left to a reply. It is pure and waits for nothing: whoever pushes the rows does.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/buffer.h"
#include "core/base/keys.h"
#include "core/base/version.h"
#include "storage/server/version_window.h"

namespace orrery {

// Rows as a reply of GetRange has them: key length varint, value length varint, key, value.
class RowWriter {
 public:
  struct Limits {
    uint64_t rows = UINT64_MAX;
    uint64_t bytes = 1 << 20;  // Of keys and values; the row that reaches it is the last.
  };

  explicit RowWriter(Limits limits) : limits_(limits), bytes_(0) {}

  // REQUIRES: !full().
  void Add(KeyRef key, std::string_view value);

  bool full() const { return rows_ >= limits_.rows || row_bytes_ >= limits_.bytes; }
  uint64_t rows() const { return rows_; }
  uint64_t rows_left() const { return limits_.rows - rows_; }
  uint64_t bytes_left() const { return limits_.bytes - row_bytes_; }
  Buffer Finish() && { return std::move(bytes_).Freeze(size_); }

 private:
  void Grow(size_t more);

  const Limits limits_;
  uint64_t rows_ = 0;
  uint64_t row_bytes_ = 0;  // Of keys and values.
  MutableBuffer bytes_;
  size_t size_ = 0;
};

// Takes rows, and counts them alone, as a selector wants it.
class RowCounter {
 public:
  explicit RowCounter(uint64_t rows_max) : left_(rows_max) {}

  void Add(KeyRef key, std::string_view) {
    --left_;
    if (left_ == 0) last_ = key;
  }
  bool full() const { return left_ == 0; }
  uint64_t rows_left() const { return left_; }
  uint64_t bytes_left() const { return 1 << 20; }
  const Key& last() const { return last_; }  // REQUIRES: full().

 private:
  uint64_t left_;
  Key last_;
};

// Good for one piece: ended by whatever ends a VersionWindow::Cursor. `Sink` is one of the above.
template <class Sink>
class RangeMerge {
 public:
  // REQUIRES: version >= window.oldest(); !sink.full().
  RangeMerge(const VersionWindow& window, KeyRangeRef range, Version version, bool reverse,
             Sink& sink)
      : cursor_(window, range, version,
                reverse ? VersionWindow::Cursor::Order::descending
                        : VersionWindow::Cursor::Order::ascending),
        reverse_(reverse),
        sink_(sink) {}

  // The next row of the engine. False: no more rows, the sink is full, or skip() says where to go
  // on.
  bool Push(KeyRef key, std::string_view value) {
    while (cursor_.valid()) {
      if (cursor_.found() == VersionWindow::Found::value) {
        if (Before(key, cursor_.key())) break;
        const bool same = key == cursor_.key();
        sink_.Add(cursor_.key(), cursor_.value());
        cursor_.Next();
        if (sink_.full()) return false;
        if (same) return true;
      } else {
        const KeyRangeRef span = cursor_.span();
        if (reverse_ ? key >= span.end : key < span.begin) break;
        if (span.Contains(key)) return ++dropped_ < kDroppedMax || Skip();
        dropped_ = 0;
        cursor_.Next();
      }
    }
    sink_.Add(key, value);
    return !sink_.full();
  }

  // The engine has no more rows in the range: what is left is the window's.
  void Finish() {
    for (; cursor_.valid() && !sink_.full(); cursor_.Next()) {
      if (cursor_.found() == VersionWindow::Found::value) {
        sink_.Add(cursor_.key(), cursor_.value());
      }
    }
  }

  // Many rows lie in a span that is cleared: go on behind it, ahead, with a new merge from here.
  const std::optional<Key>& skip() const { return skip_; }

 private:
  // A row that is read over costs less than a new scan: so many are.
  static constexpr int kDroppedMax = 32;

  // Whether a comes before b in the order of the read.
  bool Before(KeyRef a, KeyRef b) const { return reverse_ ? a > b : a < b; }

  bool Skip() {
    skip_ = reverse_ ? cursor_.span().begin : cursor_.span().end;
    return false;
  }

  VersionWindow::Cursor cursor_;
  const bool reverse_;
  Sink& sink_;
  int dropped_ = 0;
  std::optional<Key> skip_;
};

}  // namespace orrery
