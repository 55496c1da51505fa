// The network of a real process: TCP, TLS when it was asked for, names by the system's resolver.
#pragma once

#include <memory>

#include "core/env/env.h"
#include "core/real/local_stream.h"
#include "core/real/tcp_connection.h"
#include "core/real/thread_pools.h"

namespace orrery::real {

class TlsContext;

class RealNetwork final : public Network {
 public:
  // `tls` is nullptr for plain TCP. REQUIRES: all outlive this and the connections made.
  RealNetwork(Env& env, Loop& loop, ThreadPools& pools, const TlsContext* tls);

  absl::StatusOr<std::unique_ptr<Listener>> Listen(NetworkAddress address) override;
  Task<absl::StatusOr<std::unique_ptr<Connection>>> Connect(NetworkAddress address) override;
  Task<absl::StatusOr<std::vector<NetworkAddress>>> Resolve(std::string host,
                                                            uint16_t port) override;

 private:
  Env& env_;
  Loop& loop_;
  ThreadPools& pools_;
  const TlsContext* const tls_;
  ReadChunks chunks_;
  LocalListeners local_;
};

}  // namespace orrery::real
