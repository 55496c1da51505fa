// Whether the rows of the ring workload are one ring.
#pragma once

#include <cstdint>

#include "core/base/status.h"
#include "workloads/row_keys.h"

namespace orrery::workloads {

// Ok when `rows` are exactly the nodes [0, nodes) under NumberedKeys, each naming the next, and
// following them from 0 passes each once and comes back to 0.
absl::Status CheckRing(const Rows& rows, uint64_t nodes);

}  // namespace orrery::workloads
