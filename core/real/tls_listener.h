// A listener whose connections have done their TLS handshake when they are seen.
#pragma once

#include <memory>

#include "core/env/env.h"
#include "core/real/tls_connection.h"

namespace orrery::real {

class TlsListener final : public Listener {
 public:
  TlsListener(Env& env, ReadChunks& chunks, const TlsContext& context,
              std::unique_ptr<Listener> plain);
  ~TlsListener() override;

  Task<absl::StatusOr<std::unique_ptr<Connection>>> Accept() override;
  NetworkAddress local_address() const override;

 private:
  class Core;

  const std::shared_ptr<Core> core_;  // Shared with a task that waits.
};

}  // namespace orrery::real
