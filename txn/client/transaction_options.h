// What can be chosen for a transaction, and for a range read of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/time.h"

namespace orrery {

// How much a range read fetches at a time: FoundationDB's modes.
enum class StreamingMode : int8_t {
  kWantAll = -2,   // The whole range will be read: about 1 MiB at a time.
  kIterator = -1,  // Small pieces first, then larger ones: see RangeOptions::iteration.
  kExact = 0,      // Exactly `rows` rows, which must be given (range_limits_invalid).
  kSmall = 1,      // About 256 bytes.
  kMedium = 2,     // About 1,000 bytes.
  kLarge = 3,      // About 4,096 bytes.
  kSerial = 4,     // About 80,000 bytes.
};

struct RangeOptions {
  int32_t rows = 0;   // At most so many; 0: no limit. Negative: range_limits_invalid.
  int32_t bytes = 0;  // About so many of keys and values; 0: as `mode` says. At least one row.
  StreamingMode mode = StreamingMode::kWantAll;
  int32_t iteration = 1;  // For kIterator: 1 for the first call, and so on.
  bool reverse = false;
  bool snapshot = false;
};

enum class TransactionPriority : uint8_t { kBatch = 0, kDefault = 1, kSystem = 2 };

struct TransactionOptions {
  TransactionPriority priority = TransactionPriority::kDefault;
  bool access_system_keys = false;        // Read and write keys from "\xff" on.
  bool read_system_keys = false;          // Read them only.
  bool read_your_writes = true;           // Off: reads see the database alone.
  bool snapshot_read_your_writes = true;  // Off: snapshot reads see the database alone.
  bool exactly_once = true;               // Off: a commit may end with commit_unknown_result.
  bool next_write_no_conflict = false;  // The next mutation adds no write conflict; then off again.
  bool report_conflicting_keys = false;
  Duration timeout{};        // Of the transaction, retries included; zero: none.
  int32_t retries_max = -1;  // Of OnError; negative: no limit.
  Duration retry_delay_max = Seconds(1);
  size_t bytes_max = 10'000'000;  // 32 to 10,000,000.
};

}  // namespace orrery
