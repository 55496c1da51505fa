// Keys and values of the workloads' rows: numbers as text, so that a dump is readable.
#pragma once

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace orrery::workloads {

// Rows as they were read, by key.
using Rows = std::map<std::string, std::string, std::less<>>;

// "prefix/00000017": sorts as the number does, up to 8 digits.
inline std::string NumberedKey(std::string_view prefix, uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string key(prefix);
  key += '/';
  if (digits.size() < 8) key.append(8 - digits.size(), '0');
  return key + digits;
}

// The number that `text` is, all of it; nothing for any other text.
inline std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The number of a NumberedKey.
inline std::optional<uint64_t> NumberOfKey(std::string_view key) {
  const size_t slash = key.rfind('/');
  return slash == key.npos ? std::nullopt : ParseNumber(key.substr(slash + 1));
}

}  // namespace orrery::workloads
