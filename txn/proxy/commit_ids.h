// Ids of attempts: how a client learns, after an unknown result, whether its transaction was
// committed. Each attempt carries a fresh random id.
//
//   "\xff\x02/attempt/" + id (16 bytes)     never a row: in the attempt's read and write conflict
//                                           ranges, [key, KeyAfter(key))
//   "\xff\x02/committed/" + version (8 bytes, big endian) + part (2 bytes, big endian)
//                                           written by the commit proxy at that version: for each
//                                           transaction of the batch with an id: id (16 bytes),
//                                           order (2 bytes, big endian)
//   "\xff\x02/committed_expired"            version (8 bytes, big endian): rows at or below it may
//                                           be gone. Read in the transaction that reads the rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/keys.h"
#include "core/base/version.h"
#include "storage/log/mutation.h"

namespace orrery {

inline constexpr std::string_view kAttemptPrefix = "\xff\x02/attempt/";
inline constexpr std::string_view kCommittedPrefix = "\xff\x02/committed/";
inline constexpr std::string_view kCommittedExpiredKey = "\xff\x02/committed_expired";
inline constexpr size_t kAttemptIdBytes = 16;

// The conflict range of an attempt.
KeyRange AttemptRange(std::string_view id);

// The rows of one batch: for transactions with an id, (id, order).
std::vector<Mutation> CommittedRows(Version version,
                                    const std::vector<std::pair<std::string, uint16_t>>& ids);

// The rows of versions in (after, through].
KeyRange CommittedRange(Version after, Version through);

// The (version, order) of `id` if this row has it.
std::optional<std::pair<Version, uint16_t>> FindInCommittedRow(KeyRef key, std::string_view value,
                                                               std::string_view id);

}  // namespace orrery
