// A ring of records, each with its length before it.
#include "sim/report/record_ring.h"

#include <algorithm>
#include <cstring>

namespace orrery::sim {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kRelease = std::memory_order_release;

}  // namespace

RecordRing::RecordRing(void* memory, size_t capacity)
    : header_(static_cast<Header*>(memory)),
      data_(static_cast<char*>(memory) + sizeof(Header)),
      capacity_(capacity) {}

void RecordRing::Put(uint64_t at, const char* bytes, size_t count) {
  const size_t offset = at % capacity_;
  const size_t first = std::min(count, capacity_ - offset);
  std::memcpy(data_ + offset, bytes, first);
  std::memcpy(data_, bytes + first, count - first);
}

void RecordRing::Get(uint64_t at, char* bytes, size_t count) const {
  const size_t offset = at % capacity_;
  const size_t first = std::min(count, capacity_ - offset);
  std::memcpy(bytes, data_ + offset, first);
  std::memcpy(bytes + first, data_, count - first);
}

// A writer that ends at any moment leaves whole records: those that are overwritten are given up
// before, and a new one counts after it is complete.
void RecordRing::Append(std::string_view record) {
  const uint32_t length = static_cast<uint32_t>(record.size());
  const size_t needed = sizeof length + record.size();
  if (needed > capacity_) {
    header_->dropped.fetch_add(1, kRelaxed);
    return;
  }
  const uint64_t end = header_->end.load(kRelaxed);
  uint64_t begin = header_->begin.load(kRelaxed);
  while (end - begin + needed > capacity_) {
    uint32_t oldest;
    Get(begin, reinterpret_cast<char*>(&oldest), sizeof oldest);
    begin += sizeof oldest + oldest;
    header_->dropped.fetch_add(1, kRelaxed);
  }
  header_->begin.store(begin, kRelease);
  Put(end, reinterpret_cast<const char*>(&length), sizeof length);
  Put(end + sizeof length, record.data(), record.size());
  header_->end.store(end + needed, kRelease);
}

std::vector<std::string> RecordRing::Read() const {
  std::vector<std::string> records;
  const uint64_t end = header_->end.load();
  for (uint64_t at = header_->begin.load(); at < end;) {
    uint32_t length;
    Get(at, reinterpret_cast<char*>(&length), sizeof length);
    records.emplace_back(length, '\0');
    Get(at + sizeof length, records.back().data(), length);
    at += sizeof length + length;
  }
  return records;
}

}  // namespace orrery::sim
