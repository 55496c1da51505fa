// The files of one process. Paths are relative to the process's data directory, '/' between parts,
// no "." or ".."; anything else is invalid_argument. "" names the data directory itself.
//
// Durability, which callers must not assume beyond:
// - Bytes written are durable once a Sync that began after the write completed returns ok, or when
//   WriteDurable returns ok. Before that a crash of the machine may keep any subset of them, in any
//   order, torn at the size of a sector (512 bytes). A crash of the process alone loses nothing.
// - A file's size after Write beyond the end or Truncate is durable with the next Sync.
// - That a file exists, its name, and its absence after Delete or Rename, are durable after
//   SyncDirectory of its directory. Before that a crash may show either state.
// - After a Sync or WriteDurable that failed, what was written since the last good Sync is in doubt
//   for ever: a later Sync that succeeds says nothing about it. The file is to be given up.
//
// Errors: file_not_found, file_exists, disk_full, io_error (the disk's fault), platform_error (the
// rest), each with the path in its message.
//
// Destroying the Task of an operation abandons its result, not the operation. An abandoned write
// may happen whole, torn or not at all, and at the latest before the File's destructor's close.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/async/task.h"
#include "core/base/buffer.h"
#include "core/base/status.h"

namespace orrery {

// An open file. Operations may overlap; those that touch the same bytes at the same time have no
// defined order.
class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;  // Closes, once operations under way have ended; syncs nothing.

  // `bytes` bytes from `offset`; fewer only where the file ends. io_error may mean one bad sector:
  // other offsets can still be read. Cancel-safe.
  virtual Task<absl::StatusOr<Buffer>> Read(uint64_t offset, uint32_t bytes) = 0;

  // Writes all of `data` at `offset`, making the file longer when needed; a gap reads as zeros. On
  // an error any part may have been written.
  virtual Task<absl::Status> Write(uint64_t offset, Buffer data) = 0;

  // Write and Sync of this range in one: on ok the range and the size that it needs are durable.
  virtual Task<absl::Status> WriteDurable(uint64_t offset, Buffer data) = 0;

  // Makes durable all writes and truncations that completed before the call.
  virtual Task<absl::Status> Sync() = 0;

  // Cuts or extends (with zeros) to `bytes`.
  virtual Task<absl::Status> Truncate(uint64_t bytes) = 0;

  virtual Task<absl::StatusOr<uint64_t>> Size() = 0;
};

enum class OpenMode : uint8_t {
  kExisting,   // file_not_found when it is not there.
  kCreate,     // Opens or creates.
  kCreateNew,  // file_exists when it is there.
};

// Exclusive use of a path by one process, given up when destroyed and when the process dies.
class FileLock {
 public:
  FileLock() = default;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;

  // For reading and writing. Truncates nothing.
  virtual Task<absl::StatusOr<std::unique_ptr<File>>> Open(std::string path, OpenMode mode) = 0;

  // Atomic: `to` names either its old file or the one that was `from`. Replaces a file `to`.
  // Directories are neither renamed nor replaced: platform_error.
  virtual Task<absl::Status> Rename(std::string from, std::string to) = 0;

  // An open File of the path stays usable. platform_error for a directory.
  virtual Task<absl::Status> Delete(std::string path) = 0;

  // Names of the files and directories directly in `directory`, sorted.
  virtual Task<absl::StatusOr<std::vector<std::string>>> List(std::string directory) = 0;

  // One level; ok when it is there already.
  virtual Task<absl::Status> CreateDirectory(std::string directory) = 0;

  virtual Task<absl::Status> SyncDirectory(std::string directory) = 0;

  // Of a file, made empty when it is not there. file_locked when another process, or another holder
  // in this one, has it.
  virtual Task<absl::StatusOr<std::unique_ptr<FileLock>>> Lock(std::string path) = 0;

 protected:
  ~FileSystem() = default;
};

}  // namespace orrery
