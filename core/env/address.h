// NetworkAddress: an IP address and port, printed and parsed without asking the operating system.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orrery {

// IPv4 addresses are held in their IPv6-mapped form, so that one address has one value.
class NetworkAddress {
 public:
  NetworkAddress() = default;  // [::]:0, valid nowhere.
  NetworkAddress(std::array<uint8_t, 16> ip, uint16_t port) : ip_(ip), port_(port) {}

  static NetworkAddress V4(uint32_t ip, uint16_t port);

  // "10.1.2.3:4500" or "[2001:db8::1]:4500". nullopt for anything else; names are for
  // Network::Resolve.
  static std::optional<NetworkAddress> Parse(std::string_view text);
  std::string ToString() const;

  const std::array<uint8_t, 16>& ip() const { return ip_; }
  uint16_t port() const { return port_; }
  bool is_v4() const;
  uint32_t v4() const;  // REQUIRES: is_v4().

  NetworkAddress WithPort(uint16_t port) const { return {ip_, port}; }

  friend auto operator<=>(const NetworkAddress&, const NetworkAddress&) = default;

 private:
  std::array<uint8_t, 16> ip_{};
  uint16_t port_ = 0;
};

}  // namespace orrery
