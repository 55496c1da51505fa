// Chunks of SparseBytes.
#include "sim/disk/sparse_bytes.h"

#include <algorithm>
#include <cstring>

#include "core/base/invariant.h"

namespace orrery::sim {

SparseBytes::Chunk& SparseBytes::Writable(uint64_t index) {
  if (index >= chunks_.size()) chunks_.resize(index + 1);
  std::shared_ptr<Chunk>& chunk = chunks_[index];
  if (chunk == nullptr) {
    chunk = std::make_shared<Chunk>();
    chunk->fill(0);
  } else if (chunk.use_count() > 1) {
    chunk = std::make_shared<Chunk>(*chunk);
  }
  return *chunk;
}

void SparseBytes::Resize(uint64_t size) {
  if (size < size_) {
    const uint64_t whole = (size + kChunk - 1) / kChunk;
    if (whole < chunks_.size()) chunks_.resize(whole);
    if (size % kChunk != 0 && size / kChunk < chunks_.size() && chunks_[size / kChunk] != nullptr) {
      Chunk& last = Writable(size / kChunk);
      std::memset(last.data() + size % kChunk, 0, kChunk - size % kChunk);
    }
  }
  size_ = size;
}

void SparseBytes::Write(uint64_t offset, std::string_view bytes) {
  size_ = std::max(size_, offset + bytes.size());
  while (!bytes.empty()) {
    const uint64_t at = offset % kChunk;
    const uint64_t count = std::min<uint64_t>(bytes.size(), kChunk - at);
    std::memcpy(Writable(offset / kChunk).data() + at, bytes.data(), count);
    bytes.remove_prefix(count);
    offset += count;
  }
}

void SparseBytes::Read(uint64_t offset, uint64_t bytes, char* out) const {
  INVARIANT(offset <= size_ && bytes <= size_ - offset, offset, bytes, size_);
  while (bytes > 0) {
    const uint64_t at = offset % kChunk;
    const uint64_t count = std::min(bytes, kChunk - at);
    const uint64_t index = offset / kChunk;
    if (index < chunks_.size() && chunks_[index] != nullptr) {
      std::memcpy(out, chunks_[index]->data() + at, count);
    } else {
      std::memset(out, 0, count);
    }
    out += count;
    offset += count;
    bytes -= count;
  }
}

}  // namespace orrery::sim
