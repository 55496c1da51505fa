// What the versionstamps workload saw, and whether stamps are the order of commits.
//
// Each commit writes a row whose key has its stamp, and one whose value has it. Then:
//
// - both rows are there, once, with the same stamp: that which the commit was answered with, whose
//   first 8 bytes are the version it was answered with;
// - stamps are unique;
// - of two commits of which one was acknowledged before the other began, the former has the smaller
//   stamp and the smaller version;
// - a commit whose end is unknown has both rows or none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/base/version.h"
#include "workloads/client_operation.h"

namespace orrery::workloads {

struct StampedCommit {
  ClientOperation by = {};
  // Moments in the order of all that really happened, over all clients.
  uint64_t begin = 0;
  uint64_t end = 0;  // When it was acknowledged.
  bool acknowledged = false;
  Version version = kInvalidVersion;  // As acknowledged, like the stamp.
  std::string stamp;
};

struct StampHistory {
  std::vector<StampedCommit> commits;
  // Read at one version after everything had ended. The first in the order of keys; an operation is
  // an index into `commits`.
  std::vector<std::pair<std::string, uint64_t>> operation_of_stamp;
  std::map<uint64_t, std::string> stamp_of_operation;
};

absl::Status CheckStampHistory(const StampHistory& history);

}  // namespace orrery::workloads
