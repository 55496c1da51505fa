// The files below one directory of the machine. See core/env/file_system.h for the promises.
#pragma once

#include <memory>
#include <string>

#include "core/env/file_system.h"
#include "core/real/thread_pools.h"

namespace orrery::real {

class DirectoryFiles final : public FileSystem {
 public:
  // Works below `directory_fd`, which it closes; -1: every operation gives invalid_argument.
  // REQUIRES: `pools` outlives this and every File, and their operations.
  DirectoryFiles(ThreadPools& pools, int threads, int directory_fd);
  ~DirectoryFiles();

  Task<absl::StatusOr<std::unique_ptr<File>>> Open(std::string path, OpenMode mode) override;
  Task<absl::Status> Rename(std::string from, std::string to) override;
  Task<absl::Status> Delete(std::string path) override;
  Task<absl::StatusOr<std::vector<std::string>>> List(std::string directory) override;
  Task<absl::Status> CreateDirectory(std::string directory) override;
  Task<absl::Status> SyncDirectory(std::string directory) override;
  Task<absl::StatusOr<std::unique_ptr<FileLock>>> Lock(std::string path) override;

 private:
  struct Root;

  absl::Status Check(const std::string& path, bool root_allowed) const;

  ThreadPools& pools_;
  const Pool pool_;
  const std::shared_ptr<Root> root_;  // Shared with operations under way.
};

}  // namespace orrery::real
