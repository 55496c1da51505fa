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

// Each byte equals the one before it, and the first is zero: compared by words.
bool AllZeros(std::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == '\0' && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace

SparseBytes::Slot& SparseBytes::Allocated(uint64_t index) {
  if (index >= slots_.size()) slots_.resize(index + 1);
  Slot& slot = slots_[index];
  if (!slot.allocated) ++allocated_;
  slot.allocated = true;
  return slot;
}

SparseBytes::Chunk& SparseBytes::Writable(std::shared_ptr<Chunk>& chunk) {
  if (chunk == nullptr) {
    chunk = std::make_shared<Chunk>();  // Zeros.
  } else if (chunk.use_count() > 1) {
    chunk = std::make_shared<Chunk>(*chunk);
  }
  return *chunk;
}

void SparseBytes::WriteIn(Slot& slot, uint64_t at, std::string_view bytes) {
  if (slot.chunk == nullptr && AllZeros(bytes)) return;
  std::memcpy(Writable(slot.chunk).data() + at, bytes.data(), bytes.size());
}

void SparseBytes::Resize(uint64_t size) {
  if (size < size_) {
    const uint64_t whole = (size + kChunk - 1) / kChunk;
    while (slots_.size() > whole) {
      if (slots_.back().allocated) --allocated_;
      slots_.pop_back();
    }
    if (size % kChunk != 0 && size / kChunk < slots_.size() &&
        slots_[size / kChunk].chunk != nullptr) {
      Chunk& last = Writable(slots_[size / kChunk].chunk);
      std::memset(last.data() + size % kChunk, 0, kChunk - size % kChunk);
    }
  }
  size_ = size;
}

void SparseBytes::Write(uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  size_ = std::max(size_, offset + bytes.size());
  ForEachChunk(kChunk, offset, bytes.size(), [&](uint64_t index, uint64_t at, uint64_t count) {
    WriteIn(Allocated(index), at, bytes.substr(0, count));
    bytes.remove_prefix(count);
  });
}

void SparseBytes::WriteBoth(SparseBytes& a, SparseBytes& b, uint64_t offset,
                            std::string_view bytes) {
  if (bytes.empty()) return;
  a.size_ = std::max(a.size_, offset + bytes.size());
  b.size_ = std::max(b.size_, offset + bytes.size());
  ForEachChunk(kChunk, offset, bytes.size(), [&](uint64_t index, uint64_t at, uint64_t count) {
    const std::string_view part = bytes.substr(0, count);
    Slot& in_a = a.Allocated(index);
    Slot& in_b = b.Allocated(index);
    if (in_a.chunk == nullptr && in_b.chunk == nullptr && !AllZeros(part)) {
      in_a.chunk = in_b.chunk = std::make_shared<Chunk>();
    }
    if (in_a.chunk == in_b.chunk && in_a.chunk != nullptr) {
      INVARIANT(in_a.chunk.use_count() == 2);
      std::memcpy(in_a.chunk->data() + at, part.data(), count);
    } else {
      WriteIn(in_a, at, part);
      WriteIn(in_b, at, part);
    }
    bytes.remove_prefix(count);
  });
}

void SparseBytes::ShareRange(const SparseBytes& other, uint64_t offset, uint64_t bytes) {
  ForEachChunk(kChunk, offset, bytes, [&](uint64_t index, uint64_t, uint64_t) {
    const Slot theirs = index < other.slots_.size() ? other.slots_[index] : Slot();
    if (index >= slots_.size()) slots_.resize(index + 1);
    Slot& mine = slots_[index];
    allocated_ += theirs.allocated ? 1 : 0;
    allocated_ -= mine.allocated ? 1 : 0;
    mine = theirs;
  });
}

uint64_t SparseBytes::Fitting(uint64_t offset, uint64_t bytes, uint64_t room) const {
  uint64_t fitting = 0;
  bool fits = true;
  ForEachChunk(kChunk, offset, bytes, [&](uint64_t index, uint64_t, uint64_t count) {
    if (index >= slots_.size() || !slots_[index].allocated) {
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
    if (index < slots_.size() && slots_[index].chunk != nullptr) {
      std::memcpy(out, slots_[index].chunk->data() + at, count);
    } else {
      std::memset(out, 0, count);
    }
    out += count;
  });
}

}  // namespace orrery::sim
