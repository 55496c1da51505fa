// How checkers say that something does not hold.
#pragma once

#include <string>

#include "core/base/status.h"

namespace orrery::workloads {

// `what` says what should have held and what was seen. It is the run's verdict.
inline absl::Status Violated(const std::string& what) {
  return Error(ErrorCode::check_failed, what);
}

}  // namespace orrery::workloads
