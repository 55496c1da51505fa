// The network of one process: byte streams between addresses, and names.
//
// A stream delivers bytes in order, without gap or repetition, until it breaks; it does not say
// which of the bytes written before a break arrived. Whoever needs framing, requests or liveness
// uses core/rpc.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/async/task.h"
#include "core/base/buffer.h"
#include "core/base/status.h"
#include "core/env/address.h"

namespace orrery {

// One end of an established stream. Destroying it resets the stream: what is queued may be lost and
// the peer's reads fail.
class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  // Waits for at least one byte and gives what has arrived; an empty Buffer when the peer finished
  // writing and everything was read. connection_failed when the stream broke, after the bytes that
  // came before. Cancel-safe: bytes stay queued. One Read at a time. The reader's slowness holds
  // the sender back: unread bytes are bounded.
  virtual Task<absl::StatusOr<Buffer>> Read() = 0;

  // Queues `bytes`; they leave at the end of the turn, all of a turn in one piece. Never blocks;
  // on a broken stream they are dropped, and Read and WaitWritable tell of the break.
  virtual void Write(Buffer bytes) = 0;

  // Orderly end: after the queued bytes the peer reads an empty Buffer. No Write may follow.
  virtual void FinishWriting() = 0;

  // Bytes written that have not left this process.
  virtual size_t QueuedBytes() const = 0;

  // Waits until QueuedBytes() is at most half of a bound (256 KiB); connection_failed when the
  // stream broke. Cancel-safe.
  virtual Task<absl::Status> WaitWritable() = 0;

  virtual NetworkAddress local_address() const = 0;
  virtual NetworkAddress peer_address() const = 0;

  // The subject common name of the certificate that the peer proved; empty without TLS.
  virtual const std::string& peer_name() const = 0;
};

// A listening address. Destroying it stops listening; established connections live on.
class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;

  // The next connection, handshake of the transport (TLS) done; peers whose handshake fails are
  // dropped, traced and never seen here. An error means that the listener is of no more use.
  // Cancel-safe. One Accept at a time.
  virtual Task<absl::StatusOr<std::unique_ptr<Connection>>> Accept() = 0;

  // Where it listens, with the port chosen when 0 was asked for.
  virtual NetworkAddress local_address() const = 0;
};

class Network {
 public:
  Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Starts to listen. bind_failed, saying which address and why, when it is in use or not of this
  // machine. Port 0 chooses a free one.
  virtual absl::StatusOr<std::unique_ptr<Listener>> Listen(NetworkAddress address) = 0;

  // Connects, handshake of the transport included. connection_failed when refused or unreachable;
  // authentication_failed when certificates do not match. It may take very long: callers bound it.
  // Cancel-safe: destroying the task gives the attempt up.
  virtual Task<absl::StatusOr<std::unique_ptr<Connection>>> Connect(NetworkAddress address) = 0;

  // The addresses of `host` (a name or a literal address) with `port`, in the order to try them;
  // never an empty list: name_not_found. Answers may be stale. "localhost" is this machine.
  // Cancel-safe.
  virtual Task<absl::StatusOr<std::vector<NetworkAddress>>> Resolve(std::string host,
                                                                    uint16_t port) = 0;

 protected:
  ~Network() = default;
};

}  // namespace orrery
