// The merge of own writes with pieces of the database, in either direction.
#include "txn/client/read_your_writes.h"

#include <algorithm>
#include <utility>

#include "core/base/invariant.h"

namespace orrery {
namespace {

using Segment = WriteMap::Segment;

// How many segments ahead are looked at to find where the next read of the database should end.
constexpr int kLookAheadMax = 64;

// How many rows a selector far away is walked at a time.
constexpr int64_t kWalkRowsMax = 1000;

bool IsClearedGap(const Segment& segment) {
  return !segment.is_key && segment.base == WriteMap::Base::kCleared;
}

// A range read in either direction. What remains to be read is [begin, end); rows are taken off at
// its front, or at its back if it is reverse.
class RangeRead {
 public:
  RangeRead(const WriteMap& writes, KeyRange range, ReadLimits limits, bool reverse)
      : writes_(writes),
        rest_(std::move(range)),
        left_(limits),
        reverse_(reverse),
        rows_limited_(limits.rows != 0),
        bytes_limited_(limits.bytes != 0) {}

  bool done() const { return full_ || rest_.begin >= rest_.end; }

  // Takes off what the own writes decide alone. False on a key that cannot be read.
  bool TakeOwn() {
    while (!done()) {
      const Segment next = Next(rest_);
      if (next.unreadable) return false;
      if (!next.independent()) return true;
      if (next.is_key) TakeKey(next, std::nullopt);
      TakeOff(next);
    }
    return true;
  }

  // What to ask the database for now. REQUIRES: !done() after TakeOwn.
  KeyRange Wanted() const {
    KeyRange wanted = rest_;
    KeyRange ahead = rest_;
    for (int i = 0; i < kLookAheadMax && ahead.begin < ahead.end; ++i) {
      const Segment next = Next(ahead);
      if (next.unreadable || IsClearedGap(next)) break;
      Advance(next, ahead);
      (reverse_ ? wanted.begin : wanted.end) = reverse_ ? ahead.end : ahead.begin;
    }
    return wanted;
  }
  ReadLimits limits() const { return left_; }

  // Merges what the database has. False on a key that cannot be read.
  bool Merge(RangePiece piece) {
    result_.rows.KeepAll(piece.rows);
    KeyRange known = rest_;
    (reverse_ ? known.begin : known.end) = std::move(piece.through);
    size_t row = 0;
    while (!full_ && known.begin < known.end) {
      const Segment next = Next(known);
      if (next.unreadable) return false;
      if (next.is_key) {
        const bool here = row < piece.rows.size() && piece.rows[row].key == next.begin;
        TakeKey(next, here ? std::optional(piece.rows[row].value) : std::nullopt);
        if (here) ++row;
      } else {
        row = TakeGap(next, piece.rows, row);
      }
      if (full_) break;
      Advance(next, known);
      TakeOff(next);
    }
    return true;
  }

  RangeResult TakeResult() {
    result_.more = full_ && rest_.begin < rest_.end;
    return std::move(result_);
  }

 private:
  Segment Next(const KeyRange& of) const {
    return reverse_ ? writes_.Before(of.begin, of.end) : writes_.At(of.begin, of.end);
  }

  // Cuts the segment off `range`.
  void Advance(const Segment& segment, KeyRange& range) const {
    if (reverse_) {
      range.end = segment.after_begin ? KeyAfter(segment.begin) : Key(segment.begin);
    } else {
      range.begin = segment.is_key ? KeyAfter(segment.begin) : Key(segment.end);
    }
  }
  void TakeOff(const Segment& segment) {
    if (!full_) Advance(segment, rest_);
  }

  // After a row: what it says about limits. The row's key is taken off here only when it is the
  // last, since otherwise the segment is.
  void Count(KeyRef key, std::string_view value) {
    const uint64_t bytes = key.size() + value.size();
    full_ = (rows_limited_ && --left_.rows == 0) || (bytes_limited_ && bytes >= left_.bytes);
    if (bytes_limited_ && !full_) left_.bytes -= bytes;
    if (!full_) return;
    (reverse_ ? rest_.end : rest_.begin) = reverse_ ? Key(key) : KeyAfter(key);
  }

  void TakeKey(const Segment& segment, std::optional<std::string_view> base) {
    const std::optional<std::string> value = WriteMap::ValueOf(segment, base);
    if (!value.has_value()) return;
    result_.rows.AddCopy(segment.begin, *value);
    Count(segment.begin, *value);
  }

  // Takes (or, if the gap is cleared, skips) the rows of a gap from `row` on; gives the next one.
  size_t TakeGap(const Segment& gap, const RangeRows& rows, size_t row) {
    const bool cleared = IsClearedGap(gap);
    const auto in_gap = [&](KeyRef key) {
      if (!reverse_) return key < gap.end;
      return gap.after_begin ? key > gap.begin : key >= gap.begin;
    };
    for (; row < rows.size() && !full_ && in_gap(rows[row].key); ++row) {
      if (cleared) continue;
      result_.rows.Add(rows[row]);
      Count(rows[row].key, rows[row].value);
    }
    return row;
  }

  const WriteMap& writes_;
  KeyRange rest_;
  ReadLimits left_;
  const bool reverse_;
  const bool rows_limited_;
  const bool bytes_limited_;
  bool full_ = false;
  RangeResult result_;
};

}  // namespace

Task<absl::StatusOr<RangeResult>> ReadRange(SnapshotReader& reader, const WriteMap& writes,
                                            KeyRange range, ReadLimits limits, bool reverse) {
  RangeRead read(writes, std::move(range), limits, reverse);
  for (;;) {
    if (!read.TakeOwn()) co_return Error(ErrorCode::accessed_unreadable);
    if (read.done()) co_return read.TakeResult();
    absl::StatusOr<RangePiece> piece =
        co_await reader.GetRange(read.Wanted(), read.limits(), reverse);
    if (!piece.ok()) co_return std::move(piece).status();
    if (!read.Merge(*std::move(piece))) co_return Error(ErrorCode::accessed_unreadable);
  }
}

Task<absl::StatusOr<Key>> ReadKey(SnapshotReader& reader, const WriteMap& writes,
                                  KeySelector selector, Key end) {
  if (writes.empty()) {
    co_return co_await reader.GetKey(std::move(selector), std::move(end));
  }
  const bool reverse = selector.offset <= 0;
  Key start = selector.or_equal ? KeyAfter(selector.key) : std::move(selector.key);
  if (start > end) start = end;
  KeyRange rest = reverse ? KeyRange{Key(), std::move(start)} : KeyRange{std::move(start), end};
  int64_t rows_to_go = reverse ? 1 - int64_t{selector.offset} : int64_t{selector.offset};
  for (;;) {
    const ReadLimits limits{.rows = static_cast<uint32_t>(std::min(rows_to_go, kWalkRowsMax))};
    absl::StatusOr<RangeResult> part = co_await ReadRange(reader, writes, rest, limits, reverse);
    if (!part.ok()) co_return std::move(part).status();
    rows_to_go -= static_cast<int64_t>(part->rows.size());
    if (rows_to_go == 0) co_return Key(part->rows.back().key);
    if (!part->more) co_return reverse ? Key() : std::move(end);
    const KeyRef last = part->rows.back().key;
    (reverse ? rest.end : rest.begin) = reverse ? Key(last) : KeyAfter(last);
  }
}

KeyRange RangeOfSelector(const KeySelector& selector, KeyRef result, KeyRef end) {
  Key start = selector.or_equal ? KeyAfter(selector.key) : selector.key;
  if (start > end) start = end;
  if (selector.offset <= 0) return {Key(result), std::move(start)};
  return {std::move(start), result >= end ? Key(end) : KeyAfter(result)};
}

KeyRange RangeOfRead(const KeyRange& range, const RangeResult& result, bool reverse) {
  if (!result.more || result.rows.empty()) return range;
  const KeyRef last = result.rows.back().key;
  if (reverse) return {Key(last), range.end};
  return {range.begin, KeyAfter(last)};
}

void AddReadConflict(const WriteMap& writes, KeyRangeRef range, ConflictRanges& conflicts) {
  if (writes.empty()) return conflicts.Add(range);
  Key at(range.begin);
  while (at < range.end) {
    const Segment next = writes.At(at, range.end);
    Key after = next.is_key ? KeyAfter(next.begin) : Key(next.end);
    if (!next.independent()) conflicts.Add({next.begin, after});
    at = std::move(after);
  }
}

}  // namespace orrery
