// Buffer: an immutable, counted slice of bytes. Copies and slices share the bytes; the last one
// frees them.
//
// Threads: the count is not atomic. All Buffers that share bytes belong to one loop; a thread of a
// pool may read the bytes while the loop keeps a Buffer on them, and may not copy the Buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace orrery {

class MutableBuffer;

class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer& other) noexcept
      : block_(other.block_), data_(other.data_), size_(other.size_) {
    if (block_ != nullptr) ++block_->count;
  }
  Buffer(Buffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() {
    if (block_ != nullptr && --block_->count == 0) Free(block_);
  }

  // A buffer with its own copy of `bytes`.
  static Buffer Copy(std::string_view bytes);

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_, size_}; }

  // The `size` bytes from `offset`, sharing storage. REQUIRES: offset + size <= this->size().
  Buffer Slice(size_t offset, size_t size) const;

 private:
  friend class MutableBuffer;

  struct Block {
    uint64_t count;
  };

  static Block* Allocate(size_t size);  // The bytes follow the block. Count is 1.
  static void Free(Block* block);

  Buffer(Block* block, const char* data, size_t size) : block_(block), data_(data), size_(size) {}

  Block* block_ = nullptr;
  const char* data_ = nullptr;
  size_t size_ = 0;
};

// Bytes being filled by their one owner; Freeze makes them a Buffer without copying.
class MutableBuffer {
 public:
  // `capacity` uninitialised bytes.
  explicit MutableBuffer(size_t capacity);
  MutableBuffer(MutableBuffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  MutableBuffer& operator=(MutableBuffer&& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~MutableBuffer();

  char* data();
  size_t capacity() const { return capacity_; }

  // The first `size` bytes as a Buffer; this object is empty afterwards.
  // REQUIRES: size <= capacity(), and the bytes have been written.
  Buffer Freeze(size_t size) &&;

 private:
  Buffer::Block* block_;
  size_t capacity_;
};

}  // namespace orrery
