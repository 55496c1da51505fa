// SnapshotReader: the database as it was at one version, without anybody's own writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/async/task.h"
#include "core/base/keys.h"
#include "core/base/status.h"
#include "txn/client/key_selector.h"
#include "txn/client/range_result.h"

namespace orrery {

// Where a range read stops at the latest. Zero: no limit.
struct ReadLimits {
  uint32_t rows = 0;
  uint64_t bytes = 0;  // Of keys and values; the row that reaches it is the last.
};

// A part of the rows of a range, from where the read began.
struct RangePiece {
  RangeRows rows;
  // Forward: every row of [begin, through) is here; reverse: of [through, end).
  Key through;
};

class SnapshotReader {
 public:
  virtual Task<absl::StatusOr<std::optional<std::string>>> Get(Key key) = 0;

  // At least something: `through` is not where the read began. REQUIRES: the range is not empty.
  virtual Task<absl::StatusOr<RangePiece>> GetRange(KeyRange range, ReadLimits limits,
                                                    bool reverse) = 0;

  // "" before the first key, `end` after the last key below it.
  virtual Task<absl::StatusOr<Key>> GetKey(KeySelector selector, Key end) = 0;

 protected:
  ~SnapshotReader() = default;
};

}  // namespace orrery
