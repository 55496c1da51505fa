// File operations: each is one blocking call, or a loop of them, on a thread of the pool "files".
//
// The core of a File is shared with its operations; when the last of them is destroyed on the loop,
// the descriptor is closed on the pool, since a close can wait for the disk.
#include "core/real/directory_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string_view>
#include <utility>

#include "core/real/blocking_call.h"
#include "core/real/os_error.h"

namespace orrery::real {
namespace {

constexpr int kFileMode = 0644;
constexpr int kDirectoryMode = 0755;
// Reads longer than this look at the size first and take no more memory than there are bytes.
constexpr uint32_t kTrustedReadBytes = 1 << 20;

template <class T>
Task<T> Ready(T value) {
  co_return value;
}

// Repeats a system call that a signal interrupted.
template <class Call>
auto Retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

struct FileCore {
  FileCore(ThreadPools& p, Pool pl, std::string name) : pools(p), pool(pl), path(std::move(name)) {}
  ~FileCore() {
    if (fd < 0) return;
    auto close_it = [fd = fd] { return ::close(fd); };  // Nothing was promised about its success.
    pools.Detach(pool, std::make_unique<BlockingCall<decltype(close_it)>>(close_it));
  }

  absl::Status Failed(std::string_view what) const { return FileError(errno, what, path); }

  ThreadPools& pools;
  const Pool pool;
  const std::string path;
  int fd = -1;
};

absl::StatusOr<Buffer> ReadAt(const FileCore& file, uint64_t offset, uint32_t bytes) {
  if (bytes > kTrustedReadBytes) {
    struct stat info;
    if (::fstat(file.fd, &info) != 0) return file.Failed("read");
    const uint64_t size = static_cast<uint64_t>(info.st_size);
    bytes = static_cast<uint32_t>(std::min<uint64_t>(bytes, offset < size ? size - offset : 0));
  }
  MutableBuffer out(bytes);
  size_t done = 0;
  while (done < bytes) {
    const ssize_t n = Retry([&] {
      return ::pread(file.fd, out.data() + done, bytes - done, static_cast<off_t>(offset + done));
    });
    if (n < 0) return file.Failed("read");
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return std::move(out).Freeze(done);
}

// One write that is durable when it returns, or -1 with EOPNOTSUPP where the kernel or the file
// system has no such thing.
ssize_t WriteSynced(int fd, const char* data, size_t size, off_t offset) {
  const iovec piece{const_cast<char*>(data), size};
  const ssize_t n = ::pwritev2(fd, &piece, 1, offset, RWF_DSYNC);
  if (n < 0 && (errno == ENOSYS || errno == EINVAL)) errno = EOPNOTSUPP;
  return n;
}

absl::Status WriteAt(const FileCore& file, uint64_t offset, std::string_view data, bool durable) {
  bool sync_after = false;
  while (!data.empty()) {
    const off_t at = static_cast<off_t>(offset);
    const bool synced = durable && !sync_after;
    const ssize_t n = Retry([&] {
      return synced ? WriteSynced(file.fd, data.data(), data.size(), at)
                    : ::pwrite(file.fd, data.data(), data.size(), at);
    });
    if (n < 0 && synced && errno == EOPNOTSUPP) {
      sync_after = true;
      continue;
    }
    if (n < 0) return file.Failed("write");
    offset += static_cast<size_t>(n);
    data.remove_prefix(static_cast<size_t>(n));
  }
  if (sync_after && Retry([&] { return ::fdatasync(file.fd); }) != 0) return file.Failed("sync");
  return absl::OkStatus();
}

class PoolFile final : public File {
  template <class Function>
  auto Call(Function function) {
    return CallOn(core_->pools, core_->pool, std::move(function));
  }

 public:
  explicit PoolFile(std::shared_ptr<FileCore> core) : core_(std::move(core)) {}

  Task<absl::StatusOr<Buffer>> Read(uint64_t offset, uint32_t bytes) override {
    if (!Fits(offset, bytes)) return Ready(absl::StatusOr<Buffer>(TooFar("read")));
    return Call([core = core_, offset, bytes] { return ReadAt(*core, offset, bytes); });
  }
  Task<absl::Status> Write(uint64_t offset, Buffer data) override {
    return StartWrite(offset, std::move(data), /*durable=*/false);
  }
  Task<absl::Status> WriteDurable(uint64_t offset, Buffer data) override {
    return StartWrite(offset, std::move(data), /*durable=*/true);
  }
  Task<absl::Status> Sync() override {
    return Call([core = core_] {
      return Retry([&] { return ::fdatasync(core->fd); }) == 0 ? absl::OkStatus()
                                                               : core->Failed("sync");
    });
  }
  Task<absl::Status> Truncate(uint64_t bytes) override {
    if (!Fits(bytes, 0)) return Ready(TooFar("truncate"));
    return Call([core = core_, bytes] {
      return Retry([&] { return ::ftruncate(core->fd, static_cast<off_t>(bytes)); }) == 0
                 ? absl::OkStatus()
                 : core->Failed("truncate");
    });
  }
  Task<absl::StatusOr<uint64_t>> Size() override {
    return Call([core = core_]() -> absl::StatusOr<uint64_t> {
      struct stat info;
      if (::fstat(core->fd, &info) != 0) return core->Failed("size of");
      return static_cast<uint64_t>(info.st_size);
    });
  }

 private:
  static bool Fits(uint64_t offset, uint64_t bytes) {
    constexpr uint64_t kEnd = std::numeric_limits<off_t>::max();
    return offset <= kEnd && bytes <= kEnd - offset;
  }
  absl::Status TooFar(std::string_view what) const {
    return Error(ErrorCode::invalid_argument,
                 std::string(what) + " " + core_->path + ": offset beyond 2^63 - 1");
  }
  Task<absl::Status> StartWrite(uint64_t offset, Buffer data, bool durable) {
    if (!Fits(offset, data.size())) return Ready(TooFar("write"));
    // The pool only reads the bytes: the Buffer itself is moved and destroyed on the loop.
    return Call([core = core_, offset, data = std::move(data), durable] {
      return WriteAt(*core, offset, data.view(), durable);
    });
  }

  const std::shared_ptr<FileCore> core_;
};

// flock: a lock of the open file, so that two holders in one process exclude each other.
class HeldLock final : public FileLock {
 public:
  HeldLock() = default;
  // Closing releases, on the loop and at once: whoever locks next must not find it held still.
  ~HeldLock() override {
    if (fd >= 0) ::close(fd);
  }

  int fd = -1;
};

bool IsDirectory(int root, const std::string& path) {
  struct stat info;
  return ::fstatat(root, path.c_str(), &info, 0) == 0 && S_ISDIR(info.st_mode);
}

absl::StatusOr<std::vector<std::string>> ListNames(int root, const std::string& path) {
  const int fd =
      ::openat(root, path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileError(errno, "list", path);
  DIR* const directory = ::fdopendir(fd);  // Owns fd.
  if (directory == nullptr) {
    const int error = errno;
    ::close(fd);
    return FileError(error, "list", path);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int error = errno;
  ::closedir(directory);
  if (error != 0) return FileError(error, "list", path);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

struct DirectoryFiles::Root {
  explicit Root(int directory_fd) : fd(directory_fd) {}
  ~Root() {
    if (fd >= 0) ::close(fd);
  }
  const int fd;
};

DirectoryFiles::DirectoryFiles(ThreadPools& pools, int threads, int directory_fd)
    : pools_(pools), pool_{"files", threads}, root_(std::make_shared<Root>(directory_fd)) {}

DirectoryFiles::~DirectoryFiles() = default;

absl::Status DirectoryFiles::Check(const std::string& path, bool root_allowed) const {
  const auto refuse = [&path](std::string_view why) {
    return Error(ErrorCode::invalid_argument, "path '" + path + "': " + std::string(why));
  };
  if (root_->fd < 0) return refuse("this process has no data directory");
  if (path.empty()) return root_allowed ? absl::OkStatus() : refuse("names the data directory");
  if (path.find('\0') != std::string::npos) return refuse("contains a zero byte");
  std::string_view rest = path;
  while (true) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty()) return refuse("has an empty part");
    if (part == "." || part == "..") return refuse("has a part '.' or '..'");
    if (slash == std::string_view::npos) return absl::OkStatus();
    rest.remove_prefix(slash + 1);
  }
}

Task<absl::StatusOr<std::unique_ptr<File>>> DirectoryFiles::Open(std::string path, OpenMode mode) {
  CO_RETURN_IF_ERROR(Check(path, /*root_allowed=*/false));
  int flags = O_RDWR | O_CLOEXEC;
  if (mode != OpenMode::kExisting) flags |= O_CREAT;
  if (mode == OpenMode::kCreateNew) flags |= O_EXCL;
  auto core = std::make_shared<FileCore>(pools_, pool_, std::move(path));
  CO_RETURN_IF_ERROR(co_await CallOn(pools_, pool_, [core, root = root_, flags] {
    core->fd = Retry([&] { return ::openat(root->fd, core->path.c_str(), flags, kFileMode); });
    return core->fd >= 0 ? absl::OkStatus() : core->Failed("open");
  }));
  co_return std::make_unique<PoolFile>(std::move(core));
}

Task<absl::Status> DirectoryFiles::Rename(std::string from, std::string to) {
  CO_RETURN_IF_ERROR(Check(from, /*root_allowed=*/false));
  CO_RETURN_IF_ERROR(Check(to, /*root_allowed=*/false));
  co_return co_await CallOn(
      pools_, pool_, [root = root_, from = std::move(from), to = std::move(to)] {
        const bool only_files = !IsDirectory(root->fd, from) && !IsDirectory(root->fd, to);
        if (only_files && ::renameat(root->fd, from.c_str(), root->fd, to.c_str()) == 0) {
          return absl::OkStatus();
        }
        return FileError(only_files ? errno : EISDIR, "rename", from + " to " + to);
      });
}

Task<absl::Status> DirectoryFiles::Delete(std::string path) {
  CO_RETURN_IF_ERROR(Check(path, /*root_allowed=*/false));
  co_return co_await CallOn(pools_, pool_, [root = root_, path = std::move(path)] {
    return ::unlinkat(root->fd, path.c_str(), 0) == 0 ? absl::OkStatus()
                                                      : FileError(errno, "delete", path);
  });
}

Task<absl::StatusOr<std::vector<std::string>>> DirectoryFiles::List(std::string directory) {
  CO_RETURN_IF_ERROR(Check(directory, /*root_allowed=*/true));
  co_return co_await CallOn(pools_, pool_, [root = root_, path = std::move(directory)] {
    return ListNames(root->fd, path);
  });
}

Task<absl::Status> DirectoryFiles::CreateDirectory(std::string directory) {
  CO_RETURN_IF_ERROR(Check(directory, /*root_allowed=*/true));
  if (directory.empty()) co_return absl::OkStatus();
  co_return co_await CallOn(pools_, pool_, [root = root_, path = std::move(directory)] {
    if (::mkdirat(root->fd, path.c_str(), kDirectoryMode) == 0) return absl::OkStatus();
    const int error = errno;
    const bool there = error == EEXIST && IsDirectory(root->fd, path);
    return there ? absl::OkStatus() : FileError(error, "create directory", path);
  });
}

Task<absl::Status> DirectoryFiles::SyncDirectory(std::string directory) {
  CO_RETURN_IF_ERROR(Check(directory, /*root_allowed=*/true));
  co_return co_await CallOn(pools_, pool_, [root = root_, path = std::move(directory)] {
    const int fd =
        ::openat(root->fd, path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return FileError(errno, "sync directory", path);
    const int error = Retry([&] { return ::fsync(fd); }) == 0 ? 0 : errno;
    ::close(fd);
    return error == 0 ? absl::OkStatus() : FileError(error, "sync directory", path);
  });
}

Task<absl::StatusOr<std::unique_ptr<FileLock>>> DirectoryFiles::Lock(std::string path) {
  CO_RETURN_IF_ERROR(Check(path, /*root_allowed=*/false));
  using Result = absl::StatusOr<std::unique_ptr<FileLock>>;
  co_return co_await CallOn(pools_, pool_, [root = root_, path = std::move(path)]() -> Result {
    auto lock = std::make_unique<HeldLock>();
    lock->fd = ::openat(root->fd, path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
    if (lock->fd < 0) return FileError(errno, "lock", path);
    if (::flock(lock->fd, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK) return FileError(errno, "lock", path);
    return Error(ErrorCode::file_locked,
                 path + ": its lock is held by another process; is it running already?");
  });
}

}  // namespace orrery::real
