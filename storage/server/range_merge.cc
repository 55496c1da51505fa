// How rows are written into a reply, in memory that grows by doubling. See range_merge.h.
#include "storage/server/range_merge.h"

#include <algorithm>
#include <cstring>

namespace orrery {
namespace {

constexpr size_t kFirstBytes = 4096;
constexpr size_t kLengthBytesMax = 10;  // Two varints of lengths below 2^35.

char* PutVarint(char* out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

}  // namespace

void RowWriter::Grow(size_t more) {
  MutableBuffer larger(std::max({bytes_.capacity() * 2, size_ + more, kFirstBytes}));
  if (size_ > 0) std::memcpy(larger.data(), bytes_.data(), size_);
  bytes_ = std::move(larger);
}

void RowWriter::Add(KeyRef key, std::string_view value) {
  const size_t most = kLengthBytesMax + key.size() + value.size();
  if (bytes_.capacity() - size_ < most) Grow(most);
  char* const begin = bytes_.data() + size_;
  char* out = PutVarint(PutVarint(begin, key.size()), value.size());
  if (!key.empty()) std::memcpy(out, key.data(), key.size());
  out += key.size();
  if (!value.empty()) std::memcpy(out, value.data(), value.size());
  out += value.size();
  size_ += static_cast<size_t>(out - begin);
  ++rows_;
  row_bytes_ += key.size() + value.size();
}

}  // namespace orrery
