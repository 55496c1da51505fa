// Engine: an ordered map from keys to values on one disk, changed by atomic batches, each at a
// version. What a storage server keeps its data in; RocksDB and a map in memory are behind it.
//
// An engine belongs to one loop. Every call may be destroyed while it waits; what that leaves is
// said at each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "core/async/task.h"
#include "core/base/keys.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "storage/engine/row_block.h"
#include "storage/engine/write_batch.h"

namespace orrery {

// Where a Scan stops, whichever comes first. At least one row is given when there is any.
struct ScanLimit {
  uint64_t rows = UINT64_MAX;
  uint64_t bytes = 1 << 20;  // Of keys and values; the row that passes it is the last one.
};

struct ScanResult {
  RowBlock rows;      // In the order of the scan.
  bool more = false;  // The limit ended it: rows of the range may be left after the last one.
};

class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  // Closes. What was committed stays. REQUIRES: no call is under way.
  virtual ~Engine() = default;

  // Applies the batch as `version`: when ok, it is durable and readable, whole. A crash, or a task
  // destroyed, before that leaves all of it or nothing of it. disk_full: nothing happened, and the
  // call may be repeated when there is space. After any other error the engine is at its end: every
  // call that follows gives the same error, and nothing more is committed.
  // REQUIRES: version > that of every Commit before; no other Commit is under way.
  virtual Task<absl::Status> Commit(Version version, WriteBatch batch) = 0;

  // The newest version whose Commit was ok, or of the last one that was found when it was opened;
  // kInvalidVersion when there is none.
  virtual Version durable_version() const = 0;

  // The oldest version that can be read. An engine that keeps one version declares its durable one:
  // whoever reads at an older one gets transaction_too_old.
  virtual Version oldest_readable_version() const = 0;

  // The state after the newest commit at or before `version`. A commit that ends while the call
  // waits may raise the oldest readable version beyond `version`: the call then fails.
  virtual Task<absl::StatusOr<std::optional<std::string>>> Get(Key key, Version version) = 0;

  // Rows of `range`, ascending or, if `reverse`, descending, of one moment.
  virtual Task<absl::StatusOr<ScanResult>> Scan(KeyRange range, Version version, ScanLimit limit,
                                                bool reverse) = 0;

  // The same two without waiting and without copying, by an engine that has the rows in memory.
  // False: not done, the other form must be used, which also says what is wrong.
  //
  // `value`: valid until the next await.
  virtual bool GetNow(KeyRef key, Version version, std::optional<std::string_view>& value) = 0;

  // Calls visit(key, value) for rows of the range in the order of the scan until it gives false.
  // The bytes are valid until the next await.
  virtual bool ScanNow(KeyRangeRef range, Version version, bool reverse,
                       absl::FunctionRef<bool(KeyRef, std::string_view)> visit) = 0;

  // Of all keys and values, about.
  virtual uint64_t bytes() const = 0;
};

}  // namespace orrery
