// For tests of checks: that one was violated, and says why.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/base/status.h"

namespace orrery::workloads {

inline void ExpectViolation(const absl::Status& status, const std::string& part) {
  EXPECT_EQ(CodeOf(status), ErrorCode::check_failed);
  EXPECT_NE(std::string(status.message()).find(part), std::string::npos) << status.message();
}

}  // namespace orrery::workloads
