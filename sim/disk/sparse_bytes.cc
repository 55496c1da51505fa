// Chunks of SparseBytes.
#include "sim/disk/sparse_bytes.h"

#include <algorithm>
#include <cstring>

#include "core/base/invariant.h"

namespace orrery::sim {
namespace {

// Calls visit(index of the chunk, offset in it, count) for each chunk of a range.
template <class Visit>
void ForEachChunk(uint64_t chunk, uint64_t offset, uint64_t bytes, Visit visit) {
  while (bytes > 0) {
    const uint64_t at = offset % chunk;
    const uint64_t count = std::min(bytes, chunk - at);
    visit(offset / chunk, at, count);
    offset += count;
    bytes -= count;
  }
}

}  // namespace

std::shared_ptr<SparseBytes::Chunk>& SparseBytes::Slot(uint64_t index) {
  if (index >= chunks_.size()) chunks_.resize(index + 1);
  return chunks_[index];
}

SparseBytes::Chunk& SparseBytes::Writable(uint64_t index) {
  std::shared_ptr<Chunk>& chunk = Slot(index);
  if (chunk == nullptr) {
    chunk = std::make_shared<Chunk>();  // Zeros.
    ++allocated_;
  } else if (chunk.use_count() > 1) {
    chunk = std::make_shared<Chunk>(*chunk);
  }
  return *chunk;
}

void SparseBytes::Resize(uint64_t size) {
  if (size < size_) {
    const uint64_t whole = (size + kChunk - 1) / kChunk;
    while (chunks_.size() > whole) {
      if (chunks_.back() != nullptr) --allocated_;
      chunks_.pop_back();
    }
    if (size % kChunk != 0 && size / kChunk < chunks_.size() && chunks_[size / kChunk] != nullptr) {
      Chunk& last = Writable(size / kChunk);
      std::memset(last.data() + size % kChunk, 0, kChunk - size % kChunk);
    }
  }
  size_ = size;
}

void SparseBytes::Write(uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  size_ = std::max(size_, offset + bytes.size());
  ForEachChunk(kChunk, offset, bytes.size(), [&](uint64_t index, uint64_t at, uint64_t count) {
    std::memcpy(Writable(index).data() + at, bytes.data(), count);
    bytes.remove_prefix(count);
  });
}

void SparseBytes::WriteBoth(SparseBytes& a, SparseBytes& b, uint64_t offset,
                            std::string_view bytes) {
  if (bytes.empty()) return;
  a.size_ = std::max(a.size_, offset + bytes.size());
  b.size_ = std::max(b.size_, offset + bytes.size());
  ForEachChunk(kChunk, offset, bytes.size(), [&](uint64_t index, uint64_t at, uint64_t count) {
    std::shared_ptr<Chunk>& in_a = a.Slot(index);
    std::shared_ptr<Chunk>& in_b = b.Slot(index);
    if (in_a == in_b) {
      if (in_a == nullptr) {
        in_a = in_b = std::make_shared<Chunk>();
        ++a.allocated_;
        ++b.allocated_;
      }
      INVARIANT(in_a.use_count() == 2);
      std::memcpy(in_a->data() + at, bytes.data(), count);
    } else {
      std::memcpy(a.Writable(index).data() + at, bytes.data(), count);
      std::memcpy(b.Writable(index).data() + at, bytes.data(), count);
    }
    bytes.remove_prefix(count);
  });
}

void SparseBytes::ShareRange(const SparseBytes& other, uint64_t offset, uint64_t bytes) {
  ForEachChunk(kChunk, offset, bytes, [&](uint64_t index, uint64_t, uint64_t) {
    std::shared_ptr<Chunk>& mine = Slot(index);
    const std::shared_ptr<Chunk> none;
    const std::shared_ptr<Chunk>& theirs =
        index < other.chunks_.size() ? other.chunks_[index] : none;
    if (mine == theirs) return;
    allocated_ += theirs != nullptr ? 1 : 0;
    allocated_ -= mine != nullptr ? 1 : 0;
    mine = theirs;
  });
}

uint64_t SparseBytes::Fitting(uint64_t offset, uint64_t bytes, uint64_t room) const {
  uint64_t fitting = 0;
  bool fits = true;
  ForEachChunk(kChunk, offset, bytes, [&](uint64_t index, uint64_t, uint64_t count) {
    if (index >= chunks_.size() || chunks_[index] == nullptr) {
      fits = fits && room >= kChunk;
      if (fits) room -= kChunk;
    }
    if (fits) fitting += count;
  });
  return fitting;
}

void SparseBytes::Read(uint64_t offset, uint64_t bytes, char* out) const {
  INVARIANT(offset <= size_ && bytes <= size_ - offset, offset, bytes, size_);
  ForEachChunk(kChunk, offset, bytes, [&](uint64_t index, uint64_t at, uint64_t count) {
    if (index < chunks_.size() && chunks_[index] != nullptr) {
      std::memcpy(out, chunks_[index]->data() + at, count);
    } else {
      std::memset(out, 0, count);
    }
    out += count;
  });
}

}  // namespace orrery::sim
