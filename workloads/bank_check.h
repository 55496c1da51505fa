// Whether the rows of the bank workload are accounts whose money adds up.
#pragma once

#include <cstdint>

#include "core/base/status.h"
#include "workloads/row_keys.h"

namespace orrery::workloads {

// Ok when `rows` are exactly the accounts [0, accounts), each with a number of at least zero, and
// these add up to `total`.
absl::Status CheckBank(const Rows& rows, uint64_t accounts, uint64_t total);

}  // namespace orrery::workloads
