// Whose a data directory is: its lock, and the file `process`, a file header alone
// (storage/diskqueue/file_header.h), magic "ORRYPROC". It is the first file that a process makes,
// and durable before there is any other.
#pragma once

#include <memory>

#include "core/env/env.h"
#include "storage/diskqueue/file_header.h"
#include "txn/coordinator/cluster_file.h"

namespace orrery {

struct OpenedDirectory {
  std::unique_ptr<FileLock> lock;  // Held as long as the directory is used.
  StoreIdentity identity;          // Of all files in it.
};

// Locks the data directory of `env` and reads whose it is; a fresh one is made that of `cluster`,
// with an instance drawn at random. Errors: file_locked; wrong_cluster, protocol_mismatch,
// file_corrupt (each names the file): nothing is changed then; those of the disk.
Task<absl::StatusOr<OpenedDirectory>> OpenProcessDirectory(Env& env, ClusterFile cluster);

}  // namespace orrery
