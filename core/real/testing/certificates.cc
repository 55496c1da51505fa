// X.509 by OpenSSL: version 3, P-256, SHA-256, the extensions that OpenSSL's own checks want.
#include "core/real/testing/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <utility>

#include "core/real/tls_session.h"

namespace orrery::real {
namespace {

struct Free {  // Deleter of what the C interfaces allocate.
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;

constexpr long kSlackSeconds = 3600;

absl::Status Failed(const std::string& what) {
  return Error(ErrorCode::internal_error, what + ": " + TakeTlsErrors());
}

bool AddExtension(X509* certificate, X509* issuer, int which, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, which, value);
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

// A certificate for `key`, signed by `issuer_key`; self-signed when there is no `issuer`.
absl::StatusOr<Certificate> Sign(const std::string& common_name, EVP_PKEY* key, X509* issuer,
                                 EVP_PKEY* issuer_key, int64_t valid_seconds) {
  Certificate made(X509_new());
  X509* const c = made.get();
  const bool is_authority = issuer == nullptr;
  bool good = X509_set_version(c, 2) == 1;  // Counted from zero: version 3.
  // Random, since two authorities of one name must not issue the same serial number.
  BIGNUM* const serial = BN_new();
  good = good && BN_rand(serial, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(c)) != nullptr;
  BN_free(serial);
  good = good && X509_gmtime_adj(X509_getm_notBefore(c), -kSlackSeconds) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(c), static_cast<long>(valid_seconds)) != nullptr;
  X509_NAME* const subject = X509_get_subject_name(c);
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  good = good &&
         X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(c, is_authority ? subject : X509_get_subject_name(issuer)) == 1 &&
         X509_set_pubkey(c, key) == 1;
  X509* const signer = is_authority ? c : issuer;
  good = good &&
         AddExtension(c, signer, NID_basic_constraints,
                      is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
         AddExtension(c, signer, NID_subject_key_identifier, "hash");
  good = good && (is_authority || AddExtension(c, signer, NID_authority_key_identifier, "keyid"));
  good = good && X509_sign(c, issuer_key, EVP_sha256()) > 0;
  if (!good) return Failed("certificate of " + common_name);
  return made;
}

template <class Write>
absl::Status WriteFile(const std::string& path, Write write) {
  const std::unique_ptr<std::FILE, Free> file(std::fopen(path.c_str(), "we"));
  if (file == nullptr) return Error(ErrorCode::platform_error, "cannot write " + path);
  if (write(file.get()) != 1 || std::fflush(file.get()) != 0) return Failed(path);
  return absl::OkStatus();
}

}  // namespace

struct TestAuthority::Impl {
  std::string directory;
  std::string path;
  Key key;
  Certificate certificate;
};

absl::StatusOr<std::unique_ptr<TestAuthority>> TestAuthority::Create(std::string directory,
                                                                     std::string name) {
  auto impl = std::make_unique<Impl>();
  impl->path = directory + "/ca." + name + ".pem";
  impl->directory = std::move(directory);
  impl->key.reset(EVP_EC_gen("P-256"));
  if (impl->key == nullptr) return Failed("key of " + name);
  ASSIGN_OR_RETURN(impl->certificate,
                   Sign(name, impl->key.get(), nullptr, impl->key.get(), 10 * 86'400));
  RETURN_IF_ERROR(WriteFile(
      impl->path, [&](std::FILE* file) { return PEM_write_X509(file, impl->certificate.get()); }));
  return std::unique_ptr<TestAuthority>(new TestAuthority(std::move(impl)));
}

TestAuthority::TestAuthority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

TestAuthority::~TestAuthority() = default;

absl::StatusOr<TlsFiles> TestAuthority::Issue(std::string common_name, int64_t valid_seconds) {
  const Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed("key of " + common_name);
  ASSIGN_OR_RETURN(
      const Certificate certificate,
      Sign(common_name, key.get(), impl_->certificate.get(), impl_->key.get(), valid_seconds));
  const std::string stem = impl_->directory + "/" + common_name;
  const TlsFiles files{stem + ".certificate.pem", stem + ".key.pem", impl_->path};
  RETURN_IF_ERROR(WriteFile(
      files.certificate, [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); }));
  RETURN_IF_ERROR(WriteFile(files.key, [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }));
  return files;
}

const std::string& TestAuthority::authority_path() const { return impl_->path; }

}  // namespace orrery::real
