// When a proxy gives up a role that it asks. Private to this folder.
#pragma once

#include "core/base/status.h"

namespace orrery {

// Errors after which the same question to the same role can get no other answer.
inline bool IsEndOfRole(const absl::Status& status) {
  const ErrorCode code = CodeOf(status);
  return code == ErrorCode::generation_ended || code == ErrorCode::stale_endpoint ||
         code == ErrorCode::unknown_method;
}

}  // namespace orrery
