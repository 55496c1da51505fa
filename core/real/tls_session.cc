// OpenSSL between two memory BIOs.
#include "core/real/tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "core/base/invariant.h"

namespace orrery::real {

std::string TakeTlsErrors() {
  std::string text;
  while (const unsigned long error = ERR_get_error()) {
    const char* const reason = ERR_reason_error_string(error);
    if (!text.empty()) text += "; ";
    text += reason != nullptr ? reason : "error " + std::to_string(error);
  }
  return text.empty() ? "unknown error" : text;
}

TlsSession::TlsSession(SSL_CTX* context, bool server) : ssl_(SSL_new(context)), server_(server) {
  INVARIANT(ssl_ != nullptr, "out of memory");
  SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_app_data(ssl_, this);
  if (server) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
  }
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

void TlsSession::WatchTickets(SSL_CTX* client_context) {
  SSL_CTX_set_session_cache_mode(client_context,
                                 SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(client_context, [](SSL* ssl, SSL_SESSION*) {
    static_cast<TlsSession*>(SSL_get_app_data(ssl))->confirmed_ = true;
    return 0;  // The session is not kept.
  });
}

absl::StatusOr<TlsSession::Progress> TlsSession::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return server_ ? Progress::kDone : AwaitConfirmation();
  if (SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ) return Progress::kNeedsInput;
  return HandshakeError();
}

absl::StatusOr<TlsSession::Progress> TlsSession::AwaitConfirmation() {
  if (confirmed_) return Progress::kDone;
  char byte;
  const int result = SSL_peek(ssl_, &byte, 1);  // Processes what has arrived, and takes nothing.
  if (result > 0 || confirmed_) return Progress::kDone;
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_ZERO_RETURN) return Progress::kDone;  // The reader will see the end.
  if (error == SSL_ERROR_WANT_READ) return Progress::kNeedsInput;
  return HandshakeError();
}

absl::Status TlsSession::HandshakeError() const {
  std::string text = TakeTlsErrors();
  const long verdict = SSL_get_verify_result(ssl_);
  if (verdict != X509_V_OK) {
    text += std::string(": ") + X509_verify_cert_error_string(verdict);
  }
  return Error(ErrorCode::authentication_failed, text);
}

void TlsSession::Feed(std::string_view bytes) {
  if (bytes.empty()) return;
  const int written = BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
  INVARIANT(written == static_cast<int>(bytes.size()), written, bytes.size());
}

Buffer TlsSession::TakeOutput() {
  BIO* const out = SSL_get_wbio(ssl_);
  const size_t size = BIO_ctrl_pending(out);
  if (size == 0) return Buffer();
  MutableBuffer bytes(size);
  const int got = BIO_read(out, bytes.data(), static_cast<int>(size));
  INVARIANT(got == static_cast<int>(size), got, size);
  return std::move(bytes).Freeze(size);
}

absl::StatusOr<size_t> TlsSession::Decrypt(char* out, size_t room) {
  size_t done = 0;
  while (done < room) {
    ERR_clear_error();
    size_t got = 0;
    const int result = SSL_read_ex(ssl_, out + done, room - done, &got);
    if (result == 1) {
      done += got;
      continue;
    }
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_READ) break;
    if (error == SSL_ERROR_ZERO_RETURN) {
      ended_ = true;
      break;
    }
    if (done > 0) break;  // The bytes first; the error comes again.
    return Error(ErrorCode::connection_failed, "TLS: " + TakeTlsErrors());
  }
  return done;
}

absl::Status TlsSession::Encrypt(std::string_view bytes) {
  if (bytes.empty()) return absl::OkStatus();
  ERR_clear_error();
  size_t written = 0;
  if (SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written) != 1) {
    return Error(ErrorCode::connection_failed, "TLS: " + TakeTlsErrors());
  }
  INVARIANT(written == bytes.size(), written, bytes.size());
  return absl::OkStatus();
}

void TlsSession::Finish() {
  ERR_clear_error();
  SSL_shutdown(ssl_);  // 0: sent, and the peer's own end is still to come.
}

std::string TlsSession::PeerName() const {
  const X509* const certificate = SSL_get0_peer_certificate(ssl_);
  return certificate == nullptr ? std::string() : CommonNameOf(certificate);
}

std::string CommonNameOf(const x509_st* certificate) {
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
  return name;
}

}  // namespace orrery::real
