// Encoding of integers and strings of bytes into files, messages and keys.
//
//   fixed     little endian, 1, 2, 4 or 8 bytes
//   varint    7 bits a byte, least significant first, the high bit says that more follows; at most
//             10 bytes, and only the shortest form of a number is valid, so that equal values have
//             equal bytes
//   prefixed  a varint length, then the bytes
//   ordered   big endian, 2 or 8 bytes: the order of the bytes is the order of the numbers
//
// Appending never fails. Reading goes through ByteReader, which never reads past its bytes and
// allocates nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/fixed.h"

namespace orrery {

void AppendVarint(std::string& out, uint64_t value);
void AppendPrefixed(std::string& out, std::string_view bytes);
void AppendOrdered16(std::string& out, uint16_t value);
void AppendOrdered64(std::string& out, uint64_t value);

// Reads from the front of bytes that somebody else owns. A read either gives a value and moves on,
// or gives false and leaves both the reader and the value as they were.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool ReadFixed8(uint8_t& value);
  [[nodiscard]] bool ReadFixed16(uint16_t& value);
  [[nodiscard]] bool ReadFixed32(uint32_t& value);
  [[nodiscard]] bool ReadFixed64(uint64_t& value);
  [[nodiscard]] bool ReadVarint(uint64_t& value);
  [[nodiscard]] bool ReadBytes(uint64_t size, std::string_view& bytes);
  [[nodiscard]] bool ReadPrefixed(std::string_view& bytes);
  [[nodiscard]] bool ReadOrdered16(uint16_t& value);
  [[nodiscard]] bool ReadOrdered64(uint64_t& value);

  std::string_view rest() const { return rest_; }
  bool AtEnd() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace orrery
