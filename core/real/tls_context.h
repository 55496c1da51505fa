// The certificates of a process: its own, its key, and the authority that peers must be signed by.
#pragma once

#include <memory>
#include <string>

#include "core/base/status.h"
#include "core/real/real_env.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX.

namespace orrery::real {

class TlsContext {
 public:
  // Reads and checks the files: invalid_argument, naming the file, when one cannot be read or
  // parsed, when key and certificate are no pair, or when the certificate is out of its time or not
  // signed by the authority.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Load(const TlsFiles& files);

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  // TLS 1.3 or later; both ends verify the other.
  ssl_ctx_st* client() const { return client_; }
  ssl_ctx_st* server() const { return server_; }

  // The subject common name of the own certificate.
  std::string own_name() const;

 private:
  TlsContext(ssl_ctx_st* client, ssl_ctx_st* server) : client_(client), server_(server) {}

  ssl_ctx_st* const client_;
  ssl_ctx_st* const server_;
};

}  // namespace orrery::real
