// Endpoint: where a request goes: a process's loop, one life of it, and one object in it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "core/env/address.h"

namespace orrery {

// Any life of the process: for well-known endpoints, whose callers learn the incarnation only by
// talking to them.
inline constexpr uint64_t kAnyIncarnation = 0;

struct Endpoint {
  Endpoint() = default;
  // A fixed address.
  Endpoint(NetworkAddress at) : address(at) {}  // NOLINT: an address is an endpoint.
  Endpoint(NetworkAddress at, uint64_t life, uint64_t object = 0)
      : address(at), incarnation(life), token(object) {}
  // A name, resolved again for each new connection, so that a name that moved heals.
  Endpoint(std::string name, uint16_t port) : host(std::move(name)), address({}, port) {}

  std::string host;        // Empty: `address` is used. Otherwise only its port is.
  NetworkAddress address;  // Of the process's loop 0.
  uint16_t loop = 0;       // Loop i of a process listens at its port + i.

  // The life of the process that is meant. A call that reaches another life is refused with
  // stale_endpoint, unsent.
  uint64_t incarnation = kAnyIncarnation;

  // Which object of the process, among several that serve the same method: see RpcServer::Handle.
  uint64_t token = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

}  // namespace orrery
