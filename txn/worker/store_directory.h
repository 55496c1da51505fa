// The directories of logs and storage servers in a process's file system: log-ID and storage-ID,
// with the id in 16 hexadecimal digits.
//
// Removal survives a crash at any moment: first a file `removed` is made durable in the directory,
// then everything else goes, then that file. A directory that has it is removed on at the next
// start, and never opened. (The empty directory itself stays: file systems here remove files only.)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/env/env.h"

namespace orrery {

enum class StoreKind : uint8_t { kLog, kStorage };

std::string StoreDirectory(StoreKind kind, uint64_t id);

struct FoundStore {
  StoreKind kind;
  uint64_t id;
  std::string directory;
  bool removed;  // Its removal had begun.
};

// All of the process's, sorted by name, empty directories left out. Other files are not looked at.
Task<absl::StatusOr<std::vector<FoundStore>>> FindStores(Env& env);

// Removes all files of `directory`, durably. REQUIRES: nobody uses them any more, and there are no
// directories among them.
Task<absl::Status> RemoveStore(Env& env, std::string directory);

}  // namespace orrery
