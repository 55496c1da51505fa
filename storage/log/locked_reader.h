// Asking logs for a tag's messages: one peek, decoded; and a whole ended set. Private to this room.
#pragma once

#include <vector>

#include "storage/log/log_cursor.h"

namespace orrery {

// What one log answered.
struct Peeked {
  LogCursor::Messages messages;
  Version popped = kInvalidVersion;
};

// One peek at `log`, for messages in (after, through] as in PeekRequest. The answer is checked:
// corrupt_frame when it is none. Errors: those of the call.
Task<absl::StatusOr<Peeked>> PeekLog(Env& env, RpcClient& rpc, LogMember log, Tag tag,
                                     Version after, Version through, uint32_t bytes_max);

// What to do about messages that the consumer of the tag has popped.
enum class WhatWasPopped : uint8_t {
  kMissing,   // They are wanted: transaction_too_old.
  kLeaveOut,  // Their consumer has them.
};

// As ReadLockedSet.
Task<absl::StatusOr<std::vector<LogCursor::Messages>>> ReadLocked(Env& env, RpcClient& rpc,
                                                                  LogSet set, Tag tag,
                                                                  Version after, Version through,
                                                                  WhatWasPopped popped);

}  // namespace orrery
