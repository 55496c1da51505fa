// Keys and ranges of keys. A key is a string of bytes, ordered by memcmp, shorter first. A range is
// half open: it has `begin` and not `end`.
#pragma once

#include <string>
#include <string_view>

namespace orrery {

using Key = std::string;
using KeyRef = std::string_view;

// A range whose bytes somebody else owns.
struct KeyRangeRef {
  KeyRef begin;
  KeyRef end;

  bool empty() const { return begin >= end; }
  bool Contains(KeyRef key) const { return begin <= key && key < end; }
  bool Intersects(const KeyRangeRef& other) const {
    return begin < other.end && other.begin < end && !empty() && !other.empty();
  }
  friend bool operator==(const KeyRangeRef&, const KeyRangeRef&) = default;
};

struct KeyRange {
  Key begin;
  Key end;

  operator KeyRangeRef() const {  // NOLINT(google-explicit-constructor): a range is its own view.
    return {begin, end};
  }
  friend bool operator==(const KeyRange&, const KeyRange&) = default;
};

// The first key after `key`: the range [key, KeyAfter(key)) has `key` alone.
inline Key KeyAfter(KeyRef key) {
  Key after(key);
  after.push_back('\0');
  return after;
}

// The first key that does not begin with `prefix`, so that [prefix, PrefixEnd(prefix)) has every
// key that does. REQUIRES: `prefix` has a byte other than 0xff.
Key PrefixEnd(KeyRef prefix);

}  // namespace orrery
