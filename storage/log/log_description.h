// The description of a log: the small file in its directory that says what it is. It is written
// last, when everything else of a new log is durable, so a directory without it holds a log whose
// making was never finished.
//
//   file header      file_header.h; magic "ORRYLOGD", parameter: the log's id
//   generation       fixed64
//   begin            fixed64  the chain begins after this version
//   recovery version fixed64  known committed here from the first day
//   checksum         fixed64  XXH3 of the 24 bytes before
#pragma once

#include <cstdint>
#include <string>

#include "core/base/version.h"
#include "core/env/env.h"
#include "storage/diskqueue/file_header.h"

namespace orrery {

struct LogDescription {
  uint64_t log_id = 0;
  uint64_t generation = 0;
  Version begin = kInvalidVersion;
  Version recovery_version = kInvalidVersion;
};

// Writes it durably: all of it or nothing is there afterwards.
Task<absl::Status> WriteLogDescription(Env& env, std::string directory, StoreIdentity identity,
                                       LogDescription description);

// Errors: file_not_found; those of DecodeFileHeader; file_corrupt.
Task<absl::StatusOr<LogDescription>> ReadLogDescription(Env& env, std::string directory,
                                                        StoreIdentity identity);

}  // namespace orrery
