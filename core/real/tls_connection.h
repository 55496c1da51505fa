// TLS over an established connection. See core/env/network.h for the promises of a Connection.
#pragma once

#include <memory>

#include "core/env/env.h"
#include "core/real/tcp_connection.h"
#include "core/real/tls_context.h"

namespace orrery::real {

// The handshake from either side, within the knob real_handshake_timeout, over `plain`.
// authentication_failed when one of the two refuses the other's certificate; connection_failed
// when the stream breaks or time runs out. Cancel-safe: giving up resets `plain`.
Task<absl::StatusOr<std::unique_ptr<Connection>>> TlsConnect(Env& env, ReadChunks& chunks,
                                                             const TlsContext& context,
                                                             std::unique_ptr<Connection> plain);
Task<absl::StatusOr<std::unique_ptr<Connection>>> TlsAccept(Env& env, ReadChunks& chunks,
                                                            const TlsContext& context,
                                                            std::unique_ptr<Connection> plain);

}  // namespace orrery::real
