// Puts connections, listeners and TLS together, and looks up names on a pool of threads.
#include "core/real/real_network.h"

#include <netdb.h>

#include <algorithm>
#include <cerrno>

#include "core/real/blocking_call.h"
#include "core/real/os_error.h"
#include "core/real/real_knobs.h"
#include "core/real/socket.h"
#include "core/real/tcp_listener.h"
#include "core/real/tls_connection.h"
#include "core/real/tls_context.h"
#include "core/real/tls_listener.h"

namespace orrery::real {
namespace {

using Addresses = std::vector<NetworkAddress>;

absl::StatusOr<Addresses> LookUp(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error != 0) {
    const std::string why = error == EAI_SYSTEM ? ErrnoText(errno) : ::gai_strerror(error);
    return Error(ErrorCode::name_not_found, host + ": " + why);
  }
  Addresses addresses;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
    const NetworkAddress address = FromSocketAddress(one->ai_addr).WithPort(port);
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  ::freeaddrinfo(list);
  if (addresses.empty()) return Error(ErrorCode::name_not_found, host + ": has no IP address");
  return addresses;
}

}  // namespace

RealNetwork::RealNetwork(Env& env, Loop& loop, ThreadPools& pools, const TlsContext* tls)
    : env_(env),
      loop_(loop),
      pools_(pools),
      tls_(tls),
      local_(loop, static_cast<size_t>(env.knobs().Get<RealKnobs>().real_unread_bytes_max),
             static_cast<size_t>(env.knobs().Get<RealKnobs>().real_listen_backlog),
             tls == nullptr ? "" : tls->own_name()) {}

absl::StatusOr<std::unique_ptr<Listener>> RealNetwork::Listen(NetworkAddress address) {
  const auto& knobs = env_.knobs().Get<RealKnobs>();
  ASSIGN_OR_RETURN(const int fd,
                   OpenListeningSocket(address, static_cast<int>(knobs.real_listen_backlog)));
  std::unique_ptr<Listener> listener = std::make_unique<TcpListener>(env_, loop_, chunks_, fd);
  if (tls_ != nullptr) {
    listener = std::make_unique<TlsListener>(env_, chunks_, *tls_, std::move(listener));
  }
  if (knobs.real_local_streams) listener = local_.Add(std::move(listener));
  return listener;
}

Task<absl::StatusOr<std::unique_ptr<Connection>>> RealNetwork::Connect(NetworkAddress address) {
  if (std::unique_ptr<Connection> local = local_.Connect(address)) co_return local;
  const auto& knobs = env_.knobs().Get<RealKnobs>();
  CO_ASSIGN_OR_RETURN(
      std::unique_ptr<Connection> connection,
      co_await TcpConnection::Connect(loop_, chunks_,
                                      static_cast<size_t>(knobs.real_unread_bytes_max), address));
  if (tls_ == nullptr) co_return connection;
  co_return co_await TlsConnect(env_, chunks_, *tls_, std::move(connection));
}

Task<absl::StatusOr<Addresses>> RealNetwork::Resolve(std::string host, uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  const std::string literal = (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  if (const auto address = NetworkAddress::Parse(literal)) co_return Addresses{*address};
  if (host.empty() || host.find('\0') != std::string::npos) {
    co_return Error(ErrorCode::name_not_found, "'" + host + "' is not a host name");
  }
  const int threads = static_cast<int>(env_.knobs().Get<RealKnobs>().real_resolver_threads);
  co_return co_await CallOn(pools_, Pool{"resolver", threads},
                            [host = std::move(host), port] { return LookUp(host, port); });
}

}  // namespace orrery::real
