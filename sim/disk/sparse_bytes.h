// SparseBytes: the content of a file as counted chunks. Two contents can share chunks; one that
// writes to a chunk it shares copies it first. What was never written reads as zeros. A chunk that
// holds zeros alone, written or not, takes no memory: preallocated files are full of them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace orrery::sim {

class SparseBytes {
 public:
  // What is allocated at once, as a block of a file system.
  static constexpr uint64_t kChunk = 4 << 10;

  uint64_t size() const { return size_; }
  uint64_t allocated_bytes() const { return allocated_ * kChunk; }

  // How many of `bytes` bytes, from the first, can be written at `offset` while at most `room` more
  // bytes are allocated.
  uint64_t Fitting(uint64_t offset, uint64_t bytes, uint64_t room) const;

  // Longer: zeros are added. Shorter: the rest is gone for good.
  void Resize(uint64_t size);

  // Grows the content when needed; nothing when `bytes` is empty.
  void Write(uint64_t offset, std::string_view bytes);

  // The same in two contents, without a copy of the chunks that they share.
  static void WriteBoth(SparseBytes& a, SparseBytes& b, uint64_t offset, std::string_view bytes);

  // The chunks that hold this range become those of `other`. REQUIRES: outside of the range, their
  // bytes are the same in both; the caller makes the sizes equal.
  void ShareRange(const SparseBytes& other, uint64_t offset, uint64_t bytes);

  // REQUIRES: offset + bytes <= size().
  void Read(uint64_t offset, uint64_t bytes, char* out) const;

 private:
  using Chunk = std::array<char, kChunk>;

  struct Slot {
    bool allocated = false;
    std::shared_ptr<Chunk> chunk;  // nullptr: zeros.
  };

  // From now on allocated.
  Slot& Allocated(uint64_t index);
  // REQUIRES: it is in a slot that is allocated.
  static Chunk& Writable(std::shared_ptr<Chunk>& chunk);
  static void WriteIn(Slot& slot, uint64_t at, std::string_view bytes);

  uint64_t size_ = 0;
  uint64_t allocated_ = 0;  // Chunks.
  std::vector<Slot> slots_;
};

}  // namespace orrery::sim
