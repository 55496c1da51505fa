// Conversions between NetworkAddress and sockaddr, and the few calls that open sockets.
#include "core/real/socket.h"

#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "core/real/os_error.h"

namespace orrery::real {
namespace {

void Enable(int fd, int level, int option, int value) {
  // Best effort: each of these only changes how well things go.
  ::setsockopt(fd, level, option, &value, sizeof(value));
}

}  // namespace

SocketAddress ToSocketAddress(const NetworkAddress& address) {
  SocketAddress out;
  if (address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port());
    in.sin_addr.s_addr = htonl(address.v4());
    std::memcpy(&out.storage, &in, sizeof(in));
    out.size = sizeof(in);
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port());
    std::copy(address.ip().begin(), address.ip().end(), in.sin6_addr.s6_addr);
    std::memcpy(&out.storage, &in, sizeof(in));
    out.size = sizeof(in);
  }
  return out;
}

NetworkAddress FromSocketAddress(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof(in));
    return NetworkAddress::V4(ntohl(in.sin_addr.s_addr), ntohs(in.sin_port));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, address, sizeof(in));
    std::array<uint8_t, 16> ip;
    std::copy_n(in.sin6_addr.s6_addr, ip.size(), ip.begin());
    return NetworkAddress(ip, ntohs(in.sin6_port));
  }
  return NetworkAddress();
}

int OpenSocket(const NetworkAddress& address) {
  return ::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  0);
}

NetworkAddress LocalAddress(int fd) {
  SocketAddress address;
  if (::getsockname(fd, address.raw(), &address.size) != 0) return NetworkAddress();
  return FromSocketAddress(address.raw());
}

NetworkAddress PeerAddress(int fd) {
  SocketAddress address;
  if (::getpeername(fd, address.raw(), &address.size) != 0) return NetworkAddress();
  return FromSocketAddress(address.raw());
}

absl::StatusOr<int> OpenListeningSocket(const NetworkAddress& address, int backlog) {
  const auto failed = [&address](int error) {
    return Error(ErrorCode::bind_failed,
                 "listen on " + address.ToString() + ": " + ErrnoText(error));
  };
  const int fd = OpenSocket(address);
  if (fd < 0) return failed(errno);
  Enable(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // [::] serves IPv4 too, as everywhere else an IPv4 address is its mapped form.
  if (!address.is_v4()) Enable(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  SocketAddress to = ToSocketAddress(address);
  if (::bind(fd, to.raw(), to.size) != 0 || ::listen(fd, backlog) != 0) {
    const int error = errno;
    ::close(fd);
    return failed(error);
  }
  return fd;
}

}  // namespace orrery::real
