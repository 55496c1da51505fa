// MessageSource: where a storage server's messages come from: a LogCursor, or a test.
#pragma once

#include <cstdint>

#include "storage/log/log_cursor.h"

namespace orrery {

class MessageSource {
 public:
  MessageSource() = default;
  MessageSource(const MessageSource&) = delete;
  MessageSource& operator=(const MessageSource&) = delete;
  virtual ~MessageSource() = default;

  // As LogCursor's.
  virtual Task<absl::StatusOr<LogCursor::Messages>> Next(uint32_t bytes_max) = 0;
  virtual Task<> Pop(Version version, uint64_t incarnation) = 0;
};

}  // namespace orrery
