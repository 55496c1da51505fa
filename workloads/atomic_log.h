// The log of the atomic_ops workload: every transaction writes down, under its versionstamp, which
// operations it did. In the order of stamps they must give the values that are there, whatever the
// operations: also those whose order matters.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "storage/log/mutation.h"
#include "workloads/row_keys.h"

namespace orrery::workloads {

// The operations of one transaction: sets, clears of one key (kClearRange without an end) and
// atomic operations that read what was before. Bytes: for each type fixed8, key and operand
// prefixed.
std::string EncodeOperations(const std::vector<Mutation>& operations);
bool DecodeOperations(std::string_view bytes, std::vector<Mutation>& operations);

// `log` has the operations by versionstamp, `values` the rows, read at the same version;
// `acknowledged` the stamps of transactions that were acknowledged before.
absl::Status CheckAtomicLog(const Rows& log, const Rows& values,
                            const std::set<std::string>& acknowledged);

}  // namespace orrery::workloads
