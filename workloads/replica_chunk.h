// Comparing the same range of rows as several replicas gave it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/keys.h"
#include "core/base/status.h"

namespace orrery::workloads {

// What one replica answered to a range read at one version.
struct ReplicaChunk {
  std::string replica;  // For messages.
  std::vector<std::pair<Key, std::string>> rows;
  bool more = false;  // There may be rows beyond the last one.
};

// The rows of a range reply's attachment. false: the bytes are no rows.
bool DecodeRows(std::string_view attachment, std::vector<std::pair<Key, std::string>>& rows);

// Ok when all say the same as far as all of them go: then where to go on, or nothing when the end
// of the range was reached. check_failed names the key and the replicas that differ. All answers
// are to the same request, in ascending order; one that announces more has a row. REQUIRES: not
// empty.
absl::StatusOr<std::optional<Key>> CompareReplicas(const std::vector<ReplicaChunk>& chunks);

}  // namespace orrery::workloads
