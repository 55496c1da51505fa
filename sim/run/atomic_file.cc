// Writing beside, then renaming.
#include "sim/run/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace orrery::sim {
namespace {

absl::Status CannotWrite(const std::string& path) {
  return Error(ErrorCode::platform_error, path + ": cannot be written: " + std::strerror(errno));
}

}  // namespace

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
}

absl::Status AtomicFile::Open(const std::string& path) {
  path_ = path;
  temporary_ = path + ".tmp" + std::to_string(getpid());
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  return descriptor_ >= 0 ? absl::OkStatus() : CannotWrite(path);
}

absl::Status AtomicFile::Commit(const std::string& text) {
  for (size_t written = 0; written < text.size();) {
    const ssize_t n = write(descriptor_, text.data() + written, text.size() - written);
    if (n < 0 && errno != EINTR) return CannotWrite(path_);
    if (n > 0) written += static_cast<size_t>(n);
  }
  if (fsync(descriptor_) != 0 || rename(temporary_.c_str(), path_.c_str()) != 0) {
    return CannotWrite(path_);
  }
  close(descriptor_);
  descriptor_ = -1;
  return absl::OkStatus();
}

absl::Status WriteAtomically(const std::string& path, const std::string& text) {
  AtomicFile file;
  RETURN_IF_ERROR(file.Open(path));
  return file.Commit(text);
}

absl::Status TryToWrite(const std::string& path) {
  FILE* const file = std::fopen(path.c_str(), "ab");
  if (file != nullptr && std::fclose(file) == 0) return absl::OkStatus();
  return CannotWrite(path);
}

}  // namespace orrery::sim
