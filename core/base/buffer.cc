// Storage of Buffer: one allocation, count first, bytes behind it.
#include "core/base/buffer.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "core/base/invariant.h"

namespace orrery {

Buffer::Block* Buffer::Allocate(size_t size) {
  void* memory = std::malloc(sizeof(Block) + size);
  INVARIANT(memory != nullptr, size);
  return new (memory) Block{1};
}

void Buffer::Free(Block* block) { std::free(block); }

Buffer Buffer::Copy(std::string_view bytes) {
  MutableBuffer out(bytes.size());
  if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  return std::move(out).Freeze(bytes.size());
}

Buffer Buffer::Slice(size_t offset, size_t size) const {
  INVARIANT(offset <= size_ && size <= size_ - offset, offset, size, size_);
  if (block_ != nullptr) ++block_->count;
  return Buffer(block_, data_ + offset, size);
}

MutableBuffer::MutableBuffer(size_t capacity)
    : block_(Buffer::Allocate(capacity)), capacity_(capacity) {}

MutableBuffer::~MutableBuffer() {
  if (block_ != nullptr) Buffer::Free(block_);
}

char* MutableBuffer::data() { return reinterpret_cast<char*>(block_ + 1); }

Buffer MutableBuffer::Freeze(size_t size) && {
  INVARIANT(block_ != nullptr && size <= capacity_, size, capacity_);
  Buffer out(block_, data(), size);
  block_ = nullptr;
  capacity_ = 0;
  return out;
}

}  // namespace orrery
