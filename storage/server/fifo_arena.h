// FifoArena: bytes that are allocated in ascending order of versions and freed in the same order.
// Private to VersionWindow.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>

#include "core/base/version.h"

namespace orrery {

class FifoArena {
 public:
  // `size` bytes, aligned to 8, that stay until FreeThrough(version or later).
  // REQUIRES: `version` is not below that of a call before.
  char* Allocate(size_t size, Version version) {
    size = (size + 7) & ~size_t{7};
    if (chunks_.empty() || chunks_.back().size - chunks_.back().used < size) {
      const size_t chunk = std::max(kChunkBytes, size);
      chunks_.push_back({std::unique_ptr<char[]>(new char[chunk]), chunk, 0, version});
      bytes_ += chunk;
    }
    Chunk& chunk = chunks_.back();
    char* const place = chunk.bytes.get() + chunk.used;
    chunk.used += size;
    chunk.last_version = version;
    return place;
  }

  // Frees the chunks that have nothing above `version`.
  void FreeThrough(Version version) {
    while (!chunks_.empty() && chunks_.front().last_version <= version) {
      bytes_ -= chunks_.front().size;
      chunks_.pop_front();
    }
  }

  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kChunkBytes = 4096;

  struct Chunk {
    std::unique_ptr<char[]> bytes;
    size_t size;
    size_t used;
    Version last_version;
  };
  std::deque<Chunk> chunks_;
  size_t bytes_ = 0;
};

}  // namespace orrery
