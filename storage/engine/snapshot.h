// A snapshot file of the memory engine.
//
//   file header   parameter: the location in the log from which to replay
//   pieces        each: bytes of rows (4), number (4), version (8), rows, XXH3 of all that (8);
//                 numbers count from 0; rows are a WriteBatch of sets, ascending over the pieces
//   last piece    without rows
//
// A piece states the newest version that its rows may contain; the first one that of `replay from`.
// Whole if and only if every piece has its checksum and number, and the last one is there. Pieces
// are hashed with the log location, so that a piece of another snapshot does not fit.
#pragma once

#include <memory>
#include <string>

#include "core/base/version.h"
#include "core/env/env.h"
#include "storage/diskqueue/file_header.h"
#include "storage/diskqueue/page.h"
#include "storage/engine/row_map.h"
#include "storage/engine/write_batch.h"

namespace orrery {

// Writes one snapshot to a file that gets its name when it is whole.
class SnapshotWriter {
 public:
  // `path`.new is made, or made empty.
  static Task<absl::StatusOr<std::unique_ptr<SnapshotWriter>>> Begin(Env& env, std::string path,
                                                                     StoreIdentity identity,
                                                                     Location replay_from);

  // Rows after those before; none for the last piece.
  Task<absl::Status> Add(Version version, WriteBatch rows);

  // When ok, the file has its name, durably. REQUIRES: the last piece was added.
  Task<absl::Status> Finish();

 private:
  SnapshotWriter(Env& env, std::string path, Location replay_from)
      : env_(env), path_(std::move(path)), replay_from_(replay_from) {}

  Env& env_;
  const std::string path_;
  const Location replay_from_;
  std::unique_ptr<File> file_;
  uint64_t offset_ = kFileHeaderBytes;
  uint64_t synced_ = 0;
  uint32_t pieces_ = 0;
};

struct Snapshot {
  RowMap rows;
  Version base_version = kInvalidVersion;  // Of the log at `replay_from`.
  Version version = kInvalidVersion;       // The newest that rows may contain: the log has it.
  Location replay_from = 0;
};

// Reads the snapshot `path`. file_not_found; file_corrupt with the place.
Task<absl::StatusOr<std::unique_ptr<Snapshot>>> ReadSnapshot(Env& env, std::string path,
                                                             StoreIdentity identity);

}  // namespace orrery
