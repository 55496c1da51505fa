// Ordered integers byte by byte; compilers turn the loops into single loads and stores.
#include "core/base/encoding.h"

#include <cstddef>

namespace orrery {

namespace {

template <class T>
void AppendBig(std::string& out, T value) {
  char bytes[sizeof(T)];
  for (size_t i = 0; i < sizeof(T); ++i) {
    bytes[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
  }
  out.append(bytes, sizeof(T));
}

template <class T>
bool ReadLittle(std::string_view& rest, T& value) {
  if (rest.size() < sizeof(T)) return false;
  value = GetFixed<T>(rest.data());
  rest.remove_prefix(sizeof(T));
  return true;
}

template <class T>
bool ReadBig(std::string_view& rest, T& value) {
  if (rest.size() < sizeof(T)) return false;
  uint64_t result = 0;
  for (size_t i = 0; i < sizeof(T); ++i) result = (result << 8) | static_cast<uint8_t>(rest[i]);
  value = static_cast<T>(result);
  rest.remove_prefix(sizeof(T));
  return true;
}

}  // namespace

void AppendOrdered16(std::string& out, uint16_t value) { AppendBig(out, value); }
void AppendOrdered64(std::string& out, uint64_t value) { AppendBig(out, value); }

void AppendVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void AppendPrefixed(std::string& out, std::string_view bytes) {
  AppendVarint(out, bytes.size());
  out.append(bytes);
}

bool ByteReader::ReadFixed8(uint8_t& value) { return ReadLittle(rest_, value); }
bool ByteReader::ReadFixed16(uint16_t& value) { return ReadLittle(rest_, value); }
bool ByteReader::ReadFixed32(uint32_t& value) { return ReadLittle(rest_, value); }
bool ByteReader::ReadFixed64(uint64_t& value) { return ReadLittle(rest_, value); }
bool ByteReader::ReadOrdered16(uint16_t& value) { return ReadBig(rest_, value); }
bool ByteReader::ReadOrdered64(uint64_t& value) { return ReadBig(rest_, value); }

bool ByteReader::ReadVarint(uint64_t& value) {
  uint64_t result = 0;
  for (size_t i = 0; i < rest_.size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>(rest_[i]);
    if (i == 9 && byte > 1) return false;  // Beyond 64 bits.
    result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      if (byte == 0 && i > 0) return false;  // Not the shortest form.
      value = result;
      rest_.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool ByteReader::ReadBytes(uint64_t size, std::string_view& bytes) {
  if (size > rest_.size()) return false;
  bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

bool ByteReader::ReadPrefixed(std::string_view& bytes) {
  ByteReader ahead = *this;
  uint64_t size = 0;
  if (!ahead.ReadVarint(size) || !ahead.ReadBytes(size, bytes)) return false;
  *this = ahead;
  return true;
}

}  // namespace orrery
