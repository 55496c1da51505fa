// How checkers say that something does not hold.
#pragma once

#include <string>

#include "core/base/status.h"
#include "sim/run/evidence.h"

namespace orrery::workloads {

// `what` says what should have held and what was seen. It is the run's verdict.
inline absl::Status Violated(const std::string& what) {
  return Error(ErrorCode::check_failed, what);
}

// With what shows it, for pictures and reports.
inline absl::Status Violated(const std::string& what, const sim::Evidence& evidence) {
  return sim::WithEvidence(Violated(what), evidence);
}

}  // namespace orrery::workloads
