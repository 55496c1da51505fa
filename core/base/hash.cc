// XXH3 behind hash.h, so that its large header is compiled once.
#include "core/base/hash.h"

#include <xxhash.h>

namespace orrery {

uint64_t HashBytes(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

uint64_t HashBytes(std::string_view bytes, uint64_t state) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), state);
}

}  // namespace orrery
