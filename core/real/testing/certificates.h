// Throw-away certificate authorities for tests and demonstrations. Keys are P-256, generated anew
// by each call, written unprotected; not for production.
#pragma once

#include <memory>
#include <string>

#include "core/base/status.h"
#include "core/base/time.h"
#include "core/real/real_env.h"

namespace orrery::real {

class TestAuthority {
 public:
  // A CA with the subject common name `name`. Writes `directory`/ca.NAME.pem.
  // REQUIRES: the directory exists.
  static absl::StatusOr<std::unique_ptr<TestAuthority>> Create(std::string directory,
                                                               std::string name);
  ~TestAuthority();

  // Issues a certificate with the subject common name `common_name`, valid from an hour ago, and
  // writes `directory`/COMMON_NAME.{certificate,key}.pem. `valid_seconds` counts from now; a
  // negative one makes a certificate that has expired (not below -3600).
  absl::StatusOr<TlsFiles> Issue(std::string common_name, int64_t valid_seconds = 86'400);

  // The CA's own certificate file.
  const std::string& authority_path() const;

 private:
  struct Impl;
  explicit TestAuthority(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace orrery::real
