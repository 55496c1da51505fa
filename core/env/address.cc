// Text form of addresses: dotted IPv4, and IPv6 as in RFC 5952 (read in any form of RFC 4291
// without embedded IPv4).
#include "core/env/address.h"

#include <charconv>

#include "core/base/invariant.h"

namespace orrery {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// The whole of `text` as a number of at most `max`.
std::optional<uint32_t> Number(std::string_view text, int base, uint32_t max) {
  uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || at != end || value > max) return std::nullopt;
  return value;
}

std::optional<uint32_t> ParseV4(std::string_view text) {
  uint32_t ip = 0;
  for (int part = 0; part < 4; ++part) {
    const size_t dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos || dot > 3) return std::nullopt;
    const auto value = Number(text.substr(0, dot), 10, 255);
    if (!value) return std::nullopt;
    ip = ip << 8 | *value;
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return ip;
}

// Groups of `text` written from `out` on; how many, or nullopt.
std::optional<int> ParseGroups(std::string_view text, std::array<uint16_t, 8>& out) {
  int count = 0;
  while (!text.empty()) {
    const size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    const auto value = part.size() <= 4 ? Number(part, 16, 0xffff) : std::nullopt;
    if (!value || count == 8) return std::nullopt;
    out[static_cast<size_t>(count++)] = static_cast<uint16_t>(*value);
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;
  }
  return count;
}

std::optional<std::array<uint8_t, 16>> ParseV6(std::string_view text) {
  std::array<uint16_t, 8> head{};
  std::array<uint16_t, 8> tail{};
  const size_t gap = text.find("::");
  const auto heads = ParseGroups(text.substr(0, gap), head);
  if (!heads) return std::nullopt;
  int tails = 0;
  if (gap == std::string_view::npos) {
    if (*heads != 8) return std::nullopt;
  } else {
    const auto count = ParseGroups(text.substr(gap + 2), tail);
    if (!count || *heads + *count > 7) return std::nullopt;
    tails = *count;
  }
  std::array<uint8_t, 16> ip{};
  for (int i = 0; i < 8; ++i) {
    const int from_tail = i - (8 - tails);
    const uint16_t group = i < *heads       ? head[static_cast<size_t>(i)]
                           : from_tail >= 0 ? tail[static_cast<size_t>(from_tail)]
                                            : uint16_t{0};
    ip[static_cast<size_t>(2 * i)] = static_cast<uint8_t>(group >> 8);
    ip[static_cast<size_t>(2 * i + 1)] = static_cast<uint8_t>(group & 0xff);
  }
  return ip;
}

std::string ShowV6(const std::array<uint8_t, 16>& ip) {
  std::array<uint16_t, 8> groups{};
  for (size_t i = 0; i < 8; ++i) {
    groups[i] = static_cast<uint16_t>(ip[2 * i] << 8 | ip[2 * i + 1]);
  }
  size_t gap_begin = 8, gap_size = 1;  // The longest run of at least two zero groups.
  for (size_t i = 0; i < 8; ++i) {
    size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > gap_size) gap_begin = i, gap_size = end - i;
  }
  std::string out;
  for (size_t i = 0; i < 8; ++i) {
    if (i == gap_begin) {
      out += "::";
      i += gap_size - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    char digits[4];
    const auto end = std::to_chars(digits, digits + 4, groups[i], 16).ptr;
    out.append(digits, end);
  }
  return out;
}

}  // namespace

NetworkAddress NetworkAddress::V4(uint32_t ip, uint16_t port) {
  std::array<uint8_t, 16> bytes{};
  for (size_t i = 0; i < kMappedPrefix.size(); ++i) bytes[i] = kMappedPrefix[i];
  for (size_t i = 0; i < 4; ++i) bytes[12 + i] = static_cast<uint8_t>(ip >> (24 - 8 * i));
  return {bytes, port};
}

std::optional<NetworkAddress> NetworkAddress::Parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = Number(text.substr(colon + 1), 10, 65535);
  if (!port) return std::nullopt;
  const uint16_t port_number = static_cast<uint16_t>(*port);
  std::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    const auto ip = ParseV6(host.substr(1, host.size() - 2));
    if (!ip) return std::nullopt;
    return NetworkAddress(*ip, port_number);
  }
  const auto ip = ParseV4(host);
  if (!ip) return std::nullopt;
  return V4(*ip, port_number);
}

std::string NetworkAddress::ToString() const {
  std::string out;
  if (is_v4()) {
    for (size_t i = 12; i < 16; ++i) {
      if (i > 12) out += '.';
      out += std::to_string(ip_[i]);
    }
  } else {
    out = "[" + ShowV6(ip_) + "]";
  }
  return out + ":" + std::to_string(port_);
}

bool NetworkAddress::is_v4() const {
  for (size_t i = 0; i < kMappedPrefix.size(); ++i) {
    if (ip_[i] != kMappedPrefix[i]) return false;
  }
  return true;
}

uint32_t NetworkAddress::v4() const {
  INVARIANT(is_v4());
  return uint32_t{ip_[12]} << 24 | uint32_t{ip_[13]} << 16 | uint32_t{ip_[14]} << 8 | ip_[15];
}

}  // namespace orrery
