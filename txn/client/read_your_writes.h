// Reads of the database and a transaction's own writes above it, as one; and what such reads
// conflict with. Pure but for the reads themselves.
#pragma once

#include "core/async/task.h"
#include "core/base/keys.h"
#include "core/base/status.h"
#include "txn/client/conflict_ranges.h"
#include "txn/client/key_selector.h"
#include "txn/client/range_result.h"
#include "txn/client/snapshot_reader.h"
#include "txn/client/write_map.h"

namespace orrery {

// Rows of `range`, the last ones first if `reverse`. accessed_unreadable when it meets a key that
// cannot be read before a limit ends it. REQUIRES: both outlive the Task, `writes` unchanged.
Task<absl::StatusOr<RangeResult>> ReadRange(SnapshotReader& reader, const WriteMap& writes,
                                            KeyRange range, ReadLimits limits, bool reverse);

// The key that the selector names among keys below `end`: "" before the first, `end` after the
// last. REQUIRES: as above; selector.key <= end.
Task<absl::StatusOr<Key>> ReadKey(SnapshotReader& reader, const WriteMap& writes,
                                  KeySelector selector, Key end);

// The keys that decide what the selector names, when it named `result`.
KeyRange RangeOfSelector(const KeySelector& selector, KeyRef result, KeyRef end);

// The part of `range` that decided `result`: all of it, or up to the row where a limit ended it.
KeyRange RangeOfRead(const KeyRange& range, const RangeResult& result, bool reverse);

// Adds the part of `range` whose values come from the database: what the transaction's own writes
// decide alone conflicts with nobody.
void AddReadConflict(const WriteMap& writes, KeyRangeRef range, ConflictRanges& conflicts);

}  // namespace orrery
