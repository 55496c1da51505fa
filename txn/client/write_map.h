// WriteMap: what a transaction has written so far, by key, for its own reads. Pure.
//
// The key space is cut into keys that were written by themselves and the gaps between them. A gap
// is unmodified, cleared, or unreadable (a versionstamped key may lie in it). A key has a stack of
// writes above its base, which is the database's value or, once cleared, nothing. A stack that does
// not need the database to tell its value is *independent*: reads of it conflict with nobody.
//
// The writes themselves are kept in a WriteLog, in their order, as they will be sent. A copy of the
// map shares the log, which only grows: so a read that is under way keeps a copy, and sees what was
// written before it began.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/keys.h"
#include "storage/log/mutation.h"

namespace orrery {

// Writes in order. References stay valid while it lives.
class WriteLog {
 public:
  const Mutation& Add(Mutation mutation) {
    bytes_ += mutation.key.size() + mutation.value.size();
    return mutations_.emplace_back(std::move(mutation));
  }
  KeyRef AddKey(Key key) { return keys_.emplace_back(std::move(key)); }
  const std::deque<Mutation>& mutations() const { return mutations_; }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_ = 0;  // Of keys and values.
  std::deque<Mutation> mutations_;
  std::deque<Key> keys_;  // Ends of gaps that no mutation holds.
};

class WriteMap {
 public:
  WriteMap() : log_(std::make_shared<WriteLog>()) {}

  const std::deque<Mutation>& mutations() const { return log_->mutations(); }
  size_t bytes() const { return log_->bytes(); }
  bool empty() const { return nodes_.empty(); }

  // Any type but kClearRange and kSetVersionstampedKey.
  void Write(MutationType type, KeyRef key, std::string_view operand);
  // REQUIRES: range.begin < range.end.
  void Clear(KeyRangeRef range);
  // `unreadable` is where the key may come to lie.
  void WriteVersionstampedKey(KeyRef key, std::string_view value, KeyRange unreadable);

  enum class Base : uint8_t { kDatabase, kCleared };

  // A piece of the key space in which all keys are alike, or one key that was written.
  struct Segment {
    KeyRef begin;
    KeyRef end;  // Of a gap; a segment that is one key is `begin` alone.
    bool is_key = false;
    bool after_begin = false;  // The gap does not have `begin` itself. Only from Before.
    bool unreadable = false;
    Base base = Base::kDatabase;
    const std::vector<const Mutation*>* stack = nullptr;  // Of a key; above `base`, oldest first.

    // Its value, if any, does not depend on the database.
    bool independent() const;
  };

  // The segment that has `key`, cut to [key, end). REQUIRES: key < end. Valid until the next write.
  Segment At(KeyRef key, KeyRef end) const;
  // The segment that has the keys just before `end`, cut to [begin, end). REQUIRES: begin < end.
  Segment Before(KeyRef begin, KeyRef end) const;

  // The value of a key segment above `base_value`, which counts only if !segment.independent().
  static std::optional<std::string> ValueOf(const Segment& segment,
                                            std::optional<std::string_view> base_value);

 private:
  struct Node {
    bool written = false;  // The key itself differs from the gap before it and has a segment.
    bool unreadable = false;
    Base base = Base::kDatabase;
    std::vector<const Mutation*> stack;
    bool gap_unreadable = false;  // Of the keys after this one, up to the next node.
    Base gap = Base::kDatabase;
  };
  using Nodes = std::map<KeyRef, Node>;

  // The node of `key`; a new one is like the gap it lies in.
  Nodes::iterator Split(KeyRef key);

  std::shared_ptr<WriteLog> log_;
  Nodes nodes_;  // Keys point into the log. What lies before the first is unmodified.
};

}  // namespace orrery
