// LogFile: the records of a replica, durable, in one file that only grows.
//
// The file "log" is a sequence of batches: magic (4 bytes), length of the body (4), the batch's own
// offset (8), checksum (8: XXH3-64 of the body, seeded with that of the 16 bytes before), the body.
// The first body is the identity of the replica; the others are records (log_record.h).
//
// A batch is written when the one before it is durable. So after a loss of power at most the last
// batch is damaged, and what is damaged *before* a good batch was durable once: it is never cut
// away; opening refuses it.
//
// After a write or sync that failed the file is given up: pages that look written may never reach
// the disk, and a later sync does not tell. Therefore opening trusts nothing that it has not
// written itself: it copies the good batches into a new file, syncs that, and renames it. The same
// makes durable what a killed process had written and not synced.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/env/env.h"
#include "sim/examples/replicated_log/log_record.h"

namespace orrery::sim::replicated_log {

// The good batches of a log's bytes: where they end, and what they say. `identity` must be what the
// first one has. file_corrupt says where and why. Pure.
struct ReadLog {
  size_t good_bytes = 0;
  DurableState state;
};
absl::StatusOr<ReadLog> ParseLog(std::string_view bytes, std::string_view identity);

// `body` as a batch at `offset` of the file.
std::string MakeBatch(uint64_t offset, std::string_view body);

class LogFile {
 public:
  struct Opened {
    std::unique_ptr<LogFile> log;
    DurableState state;
  };

  // Opens the log of the process, or begins it. All of `state` is durable then. file_locked when
  // another process has it; file_corrupt when it is damaged or of another replica.
  // REQUIRES: `env` outlives the LogFile.
  static Task<absl::StatusOr<Opened>> Open(Env& env, std::string identity);

  // Appends a batch; durable on ok. After an error the LogFile must not be used again. One at a
  // time.
  Task<absl::Status> Append(std::string records);

 private:
  LogFile(std::unique_ptr<FileLock> lock, std::unique_ptr<File> file, uint64_t end)
      : lock_(std::move(lock)), file_(std::move(file)), end_(end) {}

  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<File> file_;
  uint64_t end_;
};

}  // namespace orrery::sim::replicated_log
