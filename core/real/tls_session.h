// TlsSession: TLS as a machine of bytes, without sockets or tasks. Bytes of the wire go in by Feed
// and out by TakeOutput; plain bytes go in by Encrypt and out by Decrypt.
#pragma once

#include <string>
#include <string_view>

#include "core/base/buffer.h"
#include "core/base/status.h"

struct ssl_st;      // OpenSSL's SSL.
struct ssl_ctx_st;  // OpenSSL's SSL_CTX.
struct x509_st;     // OpenSSL's X509.

namespace orrery::real {

// The subject common name of a certificate.
std::string CommonNameOf(const x509_st* certificate);

// The errors that OpenSSL has noted on this thread, in one line, and forgets.
std::string TakeTlsErrors();

class TlsSession {
 public:
  // REQUIRES: the context outlives this.
  TlsSession(ssl_ctx_st* context, bool server);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession();

  // Makes Handshake of clients on this context wait for the server's word: see Handshake.
  static void WatchTickets(ssl_ctx_st* client_context);

  enum class Progress { kDone, kNeedsInput };

  // Goes on with the handshake. authentication_failed when it cannot succeed; TakeOutput may then
  // hold what tells the peer so. For a client, kDone means that the server has accepted its
  // certificate: TLS 1.3 lets a client finish before the server has looked, so it waits for the
  // session ticket, or any other word, that the server sends once it has.
  absl::StatusOr<Progress> Handshake();

  // Bytes from the peer.
  void Feed(std::string_view bytes);

  // Bytes for the peer; empty when there are none.
  Buffer TakeOutput();

  // Decrypts into `out` what has been fed: the number of bytes, 0 when more input is needed or the
  // peer has finished (see ended()). connection_failed when the stream is not valid.
  absl::StatusOr<size_t> Decrypt(char* out, size_t room);
  bool ended() const { return ended_; }

  // REQUIRES: Handshake gave kDone.
  absl::Status Encrypt(std::string_view bytes);

  // Tells the peer, through TakeOutput, that nothing more comes.
  void Finish();

  // The subject common name of the certificate that the peer proved.
  std::string PeerName() const;

 private:
  absl::StatusOr<Progress> AwaitConfirmation();
  absl::Status HandshakeError() const;

  ssl_st* const ssl_;
  const bool server_;
  bool confirmed_ = false;  // A client: the server has sent something since the handshake.
  bool ended_ = false;
};

}  // namespace orrery::real
