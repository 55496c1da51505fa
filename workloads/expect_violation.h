// For tests of checks: that one was violated, and says why.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "core/base/status.h"
#include "sim/run/evidence.h"

namespace orrery::workloads {

inline void ExpectViolation(const absl::Status& status, const std::string& part) {
  EXPECT_EQ(CodeOf(status), ErrorCode::check_failed);
  EXPECT_NE(std::string(status.message()).find(part), std::string::npos) << status.message();
}

// That one shows `nodes` things, and what one of their relations is.
inline void ExpectEvidence(const absl::Status& status, size_t nodes, const std::string& edge) {
  const std::optional<sim::Evidence> evidence = sim::EvidenceOf(status);
  ASSERT_TRUE(evidence.has_value()) << status.message();
  EXPECT_EQ(evidence->nodes.size(), nodes) << sim::DescribeEvidence(*evidence);
  EXPECT_NE(sim::DescribeEvidence(*evidence).find(edge), std::string::npos)
      << sim::DescribeEvidence(*evidence);
}

}  // namespace orrery::workloads
