// The files of a storage server, in its directory:
//
//   storage       file header, then: storage id (8), tag kind (1), tag id (4), generation (8), XXH3
//                 of those 21 bytes (8). Written last, and never changed: the storage server exists
//                 if and only if this file does.
//   storage.new   unfinished; replaced or ignored
//   and those of its engine (memory_engine.h), in the same directory: whoever removes the storage
//   server has files only to remove, since file systems here remove nothing else
#pragma once

#include <memory>
#include <string>

#include "core/env/env.h"
#include "storage/engine/engine.h"
#include "storage/server/storage_server.h"

namespace orrery {

// Opens the engine of the storage server that options name. wrong_cluster: there is another one.
Task<absl::StatusOr<std::unique_ptr<Engine>>> OpenStorage(Env& env, StorageOptions options);

}  // namespace orrery
