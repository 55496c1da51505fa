// AtomicFile: a file that appears under its name when it is complete, or not at all.
#pragma once

#include <string>

#include "core/base/status.h"

namespace orrery::sim {

class AtomicFile {
 public:
  AtomicFile() = default;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();  // Removes what was not committed.

  // Creates an empty file beside `path`. platform_error names it and the reason.
  absl::Status Open(const std::string& path);
  // Writes `text` and gives the file its name. REQUIRES: opened.
  absl::Status Commit(const std::string& text);

 private:
  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
};

// The same in one call.
absl::Status WriteAtomically(const std::string& path, const std::string& text);

// Opens the file that a run will write, before it, so that what is refused runs nothing. It is
// created, and keeps what it has. platform_error names it and the reason.
absl::Status TryToWrite(const std::string& path);

}  // namespace orrery::sim
