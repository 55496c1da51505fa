// Loading and checking certificates. Every check that would otherwise fail at the first handshake
// is made here, where a person can still read what is wrong.
#include "core/real/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "core/real/os_error.h"
#include "core/real/tls_session.h"

namespace orrery::real {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using OwnedContext = std::unique_ptr<SSL_CTX, FreeContext>;

absl::Status Refuse(const std::string& file, std::string_view why) {
  return Error(ErrorCode::invalid_argument, file + ": " + std::string(why));
}

absl::Status CheckReadable(const std::string& file) {
  if (::access(file.c_str(), R_OK) == 0) return absl::OkStatus();
  return Refuse(file, ErrnoText(errno));
}

// Against the authority, with the time of day.
absl::Status VerifyOwn(SSL_CTX* context, const TlsFiles& files) {
  X509_STORE_CTX* const check = X509_STORE_CTX_new();
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context, &chain);
  absl::Status result;
  if (X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(context), SSL_CTX_get0_certificate(context),
                          chain) != 1) {
    result = Refuse(files.certificate, TakeTlsErrors());
  } else if (X509_verify_cert(check) != 1) {
    result = Refuse(files.certificate,
                    std::string("not accepted by ") + files.authority + ": " +
                        X509_verify_cert_error_string(X509_STORE_CTX_get_error(check)));
  }
  X509_STORE_CTX_free(check);
  ERR_clear_error();
  return result;
}

absl::StatusOr<OwnedContext> MakeContext(const TlsFiles& files, bool server) {
  ERR_clear_error();
  OwnedContext context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* const c = context.get();
  if (c == nullptr) return Refuse("OpenSSL", TakeTlsErrors());
  SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Without it the memory of an idle connection is 34 KiB more.
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_load_verify_locations(c, files.authority.c_str(), nullptr) != 1) {
    return Refuse(files.authority, "not a PEM file of CA certificates: " + TakeTlsErrors());
  }
  if (SSL_CTX_use_certificate_chain_file(c, files.certificate.c_str()) != 1) {
    return Refuse(files.certificate, "not a PEM certificate: " + TakeTlsErrors());
  }
  if (SSL_CTX_use_PrivateKey_file(c, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(c) != 1) {
    return Refuse(files.key,
                  "not the private key of " + files.certificate + ": " + TakeTlsErrors());
  }
  RETURN_IF_ERROR(VerifyOwn(c, files));
  if (server) {
    // One session ticket, which tells the client that its certificate was accepted. It is not for
    // resumption: sessions are not kept.
    SSL_CTX_set_num_tickets(c, 1);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(c, reinterpret_cast<const unsigned char*>("orrery"), 6);
  } else {
    TlsSession::WatchTickets(c);
  }
  return context;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Load(const TlsFiles& files) {
  RETURN_IF_ERROR(CheckReadable(files.authority));
  RETURN_IF_ERROR(CheckReadable(files.certificate));
  RETURN_IF_ERROR(CheckReadable(files.key));
  ASSIGN_OR_RETURN(OwnedContext client, MakeContext(files, /*server=*/false));
  ASSIGN_OR_RETURN(OwnedContext server, MakeContext(files, /*server=*/true));
  return std::unique_ptr<TlsContext>(new TlsContext(client.release(), server.release()));
}

std::string TlsContext::own_name() const { return CommonNameOf(SSL_CTX_get0_certificate(server_)); }

TlsContext::~TlsContext() {
  SSL_CTX_free(client_);
  SSL_CTX_free(server_);
}

}  // namespace orrery::real
