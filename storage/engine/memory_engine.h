// The memory engine: all rows in memory, durable by a snapshot and a log.
//
// Files, in the engine's directory:
//   lock          held while the engine is open
//   format        a file header alone: the engine exists if and only if this file does
//   log           a disk queue (storage/diskqueue): one entry per commit,
//                 version (8 bytes) and the batch's bytes
//   snapshot      see snapshot.h; absent until the first one
//   snapshot.new, log.new, format.new   unfinished; replaced or ignored
//
// A snapshot is written in the background, in pieces of the key space, while commits go on. It
// states version V and location L of the log from which to replay. Why that is right: a row is
// copied at some moment at or after L, with every commit that is durable then. Replaying the log
// from L, whose operations are absolute (set, clear), gives every key that any commit from L on
// touches its last value; a key that none touches had the same value at L as when it was copied. So
// snapshot and log from L give exactly the state of the log's last commit. Only when the snapshot
// is durable under its name is the log popped to L: at any moment, a whole snapshot is there (or
// none, and the whole log) with the log from its L.
#pragma once

#include <memory>
#include <string>

#include "core/env/env.h"
#include "storage/diskqueue/file_header.h"
#include "storage/engine/engine.h"

namespace orrery {

// Makes an empty engine in `directory` (one level is made when it is not there), durably.
// file_exists when there is one. A crash before it returned leaves a whole engine or none.
Task<absl::Status> CreateMemoryEngine(Env& env, std::string directory, StoreIdentity identity);

// Opens the engine in `directory`. file_not_found: there is none, and none is made. file_locked:
// it is open elsewhere. wrong_cluster, protocol_mismatch, file_corrupt: refused, nothing changed,
// and the message names the file. REQUIRES: `env` outlives the engine.
Task<absl::StatusOr<std::unique_ptr<Engine>>> OpenMemoryEngine(Env& env, std::string directory,
                                                               StoreIdentity identity);

}  // namespace orrery
