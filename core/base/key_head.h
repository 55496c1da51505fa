// KeyHead: the first 16 bytes of a key as one number, for structures that compare keys without
// following a pointer to their bytes.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/base/keys.h"

namespace orrery {

using KeyHead = unsigned __int128;
inline constexpr uint32_t kKeyHeadBytes = 16;

// Big-endian, padded with zero bytes: a head below another means a key before the other's. Equal
// heads of two keys say that they differ, if at all, beyond the head or in trailing zero bytes.
inline KeyHead HeadOf(KeyRef key) {
  uint64_t words[2] = {0, 0};
  if (key.size() >= kKeyHeadBytes) {
    std::memcpy(words, key.data(), kKeyHeadBytes);
  } else if (!key.empty()) {
    std::memcpy(words, key.data(), key.size());
  }
  return (static_cast<KeyHead>(__builtin_bswap64(words[0])) << 64) | __builtin_bswap64(words[1]);
}

}  // namespace orrery
