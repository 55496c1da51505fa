// RecordRing: records in a bounded piece of memory that outlives whoever writes them; when it is
// full, the oldest go. Memory of zeros is an empty ring. One process writes; another may read once
// the writer has ended, however it ended.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::sim {

class RecordRing {
 public:
  // The memory that a ring of `capacity` bytes of records needs.
  static constexpr size_t BytesFor(size_t capacity) { return sizeof(Header) + capacity; }

  // REQUIRES: `memory` has BytesFor(capacity), aligned for uint64_t, and outlives this.
  RecordRing(void* memory, size_t capacity);

  // A record that does not fit into an empty ring is dropped by itself.
  void Append(std::string_view record);

  // Oldest first.
  std::vector<std::string> Read() const;
  uint64_t dropped() const { return header_->dropped.load(std::memory_order_relaxed); }

 private:
  // Positions count all bytes ever written; the bytes from begin to end are there.
  struct Header {
    std::atomic<uint64_t> begin;
    std::atomic<uint64_t> end;
    std::atomic<uint64_t> dropped;
  };

  void Put(uint64_t at, const char* bytes, size_t count);
  void Get(uint64_t at, char* bytes, size_t count) const;

  Header* const header_;
  char* const data_;
  const size_t capacity_;
};

}  // namespace orrery::sim
