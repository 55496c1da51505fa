// A listening TCP socket of one loop. See core/env/network.h for the promises.
//
// When the process has no descriptor left for a new connection, the listener pauses: established
// connections are served on, the kernel keeps the new ones, and nothing spins.
#pragma once

#include <memory>

#include "core/env/env.h"
#include "core/real/tcp_connection.h"

namespace orrery::real {

class TcpListener final : public Listener {
 public:
  // Takes `fd`, listening and non-blocking.
  TcpListener(Env& env, Loop& loop, ReadChunks& chunks, int fd);
  ~TcpListener() override;

  Task<absl::StatusOr<std::unique_ptr<Connection>>> Accept() override;
  NetworkAddress local_address() const override;

 private:
  class Core;

  const std::shared_ptr<Core> core_;  // Shared with a task that waits.
};

}  // namespace orrery::real
