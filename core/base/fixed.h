// Integers of fixed width in files: little endian, unaligned.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

namespace orrery {

static_assert(std::endian::native == std::endian::little, "files are little endian");

template <class T>
void PutFixed(char* out, T value) {
  static_assert(std::is_unsigned_v<T>);
  std::memcpy(out, &value, sizeof(T));
}

template <class T>
T GetFixed(const char* in) {
  static_assert(std::is_unsigned_v<T>);
  T value;
  std::memcpy(&value, in, sizeof(T));
  return value;
}

template <class T>
void AppendFixed(std::string& out, T value) {
  char bytes[sizeof(T)];
  PutFixed(bytes, value);
  out.append(bytes, sizeof(T));
}

}  // namespace orrery
