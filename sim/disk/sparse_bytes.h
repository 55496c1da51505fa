// SparseBytes: the content of a file as shared chunks; a copy shares all of them until one side
// writes (copy on write). What was never written reads as zeros and takes no memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace orrery::sim {

class SparseBytes {
 public:
  uint64_t size() const { return size_; }

  // Longer: zeros are added. Shorter: the rest is gone for good.
  void Resize(uint64_t size);

  // Grows the file when needed.
  void Write(uint64_t offset, std::string_view bytes);

  // REQUIRES: offset + bytes <= size().
  void Read(uint64_t offset, uint64_t bytes, char* out) const;

 private:
  static constexpr uint64_t kChunk = 16 << 10;
  using Chunk = std::array<char, kChunk>;

  Chunk& Writable(uint64_t index);

  uint64_t size_ = 0;
  std::vector<std::shared_ptr<Chunk>> chunks_;  // nullptr: zeros.
};

}  // namespace orrery::sim
