// KeySelector: names a key by its place: as in FoundationDB. It stands for the key `offset - 1`
// places after the first key greater than (or_equal) or not less than (not or_equal) `key`.
#pragma once

#include <cstdint>
#include <utility>

#include "core/base/keys.h"

namespace orrery {

struct KeySelector {
  Key key;
  bool or_equal = false;
  int32_t offset = 1;

  static KeySelector FirstGreaterOrEqual(Key key) { return {std::move(key), false, 1}; }
  static KeySelector FirstGreaterThan(Key key) { return {std::move(key), true, 1}; }
  static KeySelector LastLessOrEqual(Key key) { return {std::move(key), true, 0}; }
  static KeySelector LastLessThan(Key key) { return {std::move(key), false, 0}; }

  friend bool operator==(const KeySelector&, const KeySelector&) = default;
};

}  // namespace orrery
