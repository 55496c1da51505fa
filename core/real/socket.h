// Sockets of the operating system by NetworkAddress.
#pragma once

#include <sys/socket.h>

#include "core/base/status.h"
#include "core/env/address.h"

namespace orrery::real {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress ToSocketAddress(const NetworkAddress& address);
NetworkAddress FromSocketAddress(const sockaddr* address);

// A non-blocking stream socket of the address's family, or -1 with errno.
int OpenSocket(const NetworkAddress& address);

// The two ends of a connected socket; [::]:0 where it has none.
NetworkAddress LocalAddress(int fd);
NetworkAddress PeerAddress(int fd);

// A listening socket, non-blocking. bind_failed names the address and the reason.
absl::StatusOr<int> OpenListeningSocket(const NetworkAddress& address, int backlog);

}  // namespace orrery::real
