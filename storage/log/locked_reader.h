// Asking a log for a tag's messages: one peek, decoded. Private to this room.
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

}  // namespace orrery
