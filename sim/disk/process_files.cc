// The FileSystem of one incarnation: waits for the disk, then does the operation.
#include <coroutine>
#include <utility>

#include "core/base/invariant.h"
#include "sim/disk/disk.h"

namespace orrery::sim {

// co_await DiskWait(...): until the disk has completed an operation of that kind.
class DiskWait : public TimerNode {
 public:
  DiskWait(Disk& disk, Loop& loop, Duration median, uint64_t bytes)
      : loop_(loop), done_(disk.CompletionTime(median, bytes)) {
    run = [](ReadyNode* node) { static_cast<DiskWait*>(node)->handle_.resume(); };
  }
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    handle_ = awaiting;
    context = awaiting.promise().context;
    context->leaf = awaiting.address();
    loop_.ArmAt(*this, done_);
  }
  void await_resume() const noexcept {}

 private:
  Loop& loop_;
  const Time done_;
  std::coroutine_handle<> handle_;
};

class SimFile final : public File {
 public:
  SimFile(Disk& disk, Loop& loop, std::string path, NodePtr node)
      : disk_(disk), loop_(loop), path_(std::move(path)), node_(std::move(node)) {}

  Task<absl::StatusOr<Buffer>> Read(uint64_t offset, uint32_t bytes) override {
    co_await DiskWait(disk_, loop_, disk_.parameters_.read, bytes);
    const FileImage& file = node_->file;
    const uint64_t from = std::min(offset, file.size());
    const uint64_t count = std::min<uint64_t>(bytes, file.size() - from);
    if (disk_.SectorIsBad(node_->key, from, count)) {
      disk_.Count(DiskEffect::kReadFailed);
      co_return Error(ErrorCode::io_error, path_ + ": read");
    }
    MutableBuffer out(count);
    file.Read(from, count, out.data());
    Buffer content = std::move(out).Freeze(count);
    disk_.timeline_.Note(Happening::kFile, HashWords(disk_.key_, node_->key, HashName("read")),
                         offset, HashBytes(content.view()));
    co_return content;
  }

  Task<absl::Status> Write(uint64_t offset, Buffer data) override {
    UnderWay write{this, offset, data};
    co_await DiskWait(disk_, loop_, disk_.parameters_.write, data.size());
    write.file = nullptr;
    co_return disk_.WriteNow(path_, *node_, offset, std::move(data), /*durable=*/false);
  }

  Task<absl::Status> WriteDurable(uint64_t offset, Buffer data) override {
    UnderWay write{this, offset, data};
    co_await DiskWait(disk_, loop_, disk_.parameters_.write + disk_.parameters_.sync, data.size());
    write.file = nullptr;
    co_return disk_.WriteNow(path_, *node_, offset, std::move(data), /*durable=*/true);
  }

  Task<absl::Status> Sync() override {
    const uint64_t through = node_->file.last_change();
    co_await DiskWait(disk_, loop_, disk_.parameters_.sync, 0);
    co_return disk_.SyncNow(path_, *node_, through);
  }

  Task<absl::Status> Truncate(uint64_t bytes) override {
    co_await DiskWait(disk_, loop_, disk_.parameters_.write, 0);
    CO_RETURN_IF_ERROR(disk_.CheckWritable(path_));
    disk_.timeline_.Note(Happening::kFile, HashWords(disk_.key_, node_->key), HashName("truncate"),
                         bytes);
    node_->file.Truncate(bytes);
    co_return absl::OkStatus();
  }

  Task<absl::StatusOr<uint64_t>> Size() override {
    co_await DiskWait(disk_, loop_, Duration(1'000), 0);
    co_return node_->file.size();
  }

 private:
  // A write that has been given to the disk. Destroyed before its completion, it may have happened.
  struct UnderWay {
    SimFile* file;
    uint64_t offset;
    Buffer data;
    ~UnderWay() {
      if (file != nullptr) file->disk_.WriteAbandoned(*file->node_, offset, data);
    }
  };

  Disk& disk_;
  Loop& loop_;
  const std::string path_;
  const NodePtr node_;
};

class SimLock final : public FileLock {
 public:
  SimLock(Disk& disk, std::string path, const void* holder)
      : disk_(disk), path_(std::move(path)), holder_(holder) {}
  ~SimLock() override {
    const auto at = disk_.locks_.find(path_);
    if (at != disk_.locks_.end() && at->second == holder_) disk_.locks_.erase(at);
  }

 private:
  Disk& disk_;
  const std::string path_;
  const void* const holder_;
};

class SimFileSystem final : public ProcessFiles {
 public:
  SimFileSystem(Disk& disk, Loop& loop, std::string directory)
      : disk_(disk), loop_(loop), directory_(std::move(directory)) {}
  ~SimFileSystem() override { Fence(); }

  void Fence() override {
    std::erase_if(disk_.locks_, [this](const auto& lock) { return lock.second == this; });
  }

  Task<absl::StatusOr<std::unique_ptr<File>>> Open(std::string path, OpenMode mode) override {
    CO_ASSIGN_OR_RETURN(const std::string whole, Whole(path));
    co_await DiskWait(disk_, loop_, disk_.parameters_.read, 0);
    NodePtr node = disk_.names_.Find(whole);
    if (node != nullptr && node->is_directory) {
      co_return Error(ErrorCode::platform_error, path + ": is a directory");
    }
    if (node != nullptr && mode == OpenMode::kCreateNew) {
      co_return Error(ErrorCode::file_exists, path);
    }
    if (node == nullptr && mode == OpenMode::kExisting) {
      co_return Error(ErrorCode::file_not_found, path);
    }
    if (node == nullptr) {
      CO_RETURN_IF_ERROR(CheckParent(path, whole));
      CO_RETURN_IF_ERROR(disk_.CheckWritable(path));
      node = disk_.NewNode(whole, /*is_directory=*/false);
      disk_.names_.Create(whole, node);
      Note("create", whole);
    }
    co_return std::unique_ptr<File>(std::make_unique<SimFile>(disk_, loop_, path, node));
  }

  Task<absl::Status> Rename(std::string from, std::string to) override {
    CO_ASSIGN_OR_RETURN(const std::string whole_from, Whole(from));
    CO_ASSIGN_OR_RETURN(const std::string whole_to, Whole(to));
    co_await DiskWait(disk_, loop_, disk_.parameters_.write, 0);
    CO_RETURN_IF_ERROR(disk_.CheckWritable(from));
    const NodePtr node = disk_.names_.Find(whole_from);
    if (node == nullptr) co_return Error(ErrorCode::file_not_found, from);
    CO_RETURN_IF_ERROR(CheckParent(to, whole_to));
    const NodePtr target = disk_.names_.Find(whole_to);
    if (node->is_directory || (target != nullptr && target->is_directory)) {
      co_return Error(ErrorCode::platform_error, from + ": only files are renamed");
    }
    Note("rename", whole_from + "\n" + whole_to);
    if (whole_from != whole_to) disk_.names_.Rename(whole_from, whole_to);
    co_return absl::OkStatus();
  }

  Task<absl::Status> Delete(std::string path) override {
    CO_ASSIGN_OR_RETURN(const std::string whole, Whole(path));
    co_await DiskWait(disk_, loop_, disk_.parameters_.write, 0);
    if (disk_.read_only_) CO_RETURN_IF_ERROR(disk_.CheckWritable(path));
    const NodePtr node = disk_.names_.Find(whole);
    if (node == nullptr) co_return Error(ErrorCode::file_not_found, path);
    if (node->is_directory && (path.empty() || !disk_.names_.List(whole).empty())) {
      co_return Error(ErrorCode::platform_error, path + ": directory not empty");
    }
    Note("delete", whole);
    disk_.names_.Delete(whole);
    co_return absl::OkStatus();
  }

  Task<absl::StatusOr<std::vector<std::string>>> List(std::string directory) override {
    CO_ASSIGN_OR_RETURN(const std::string whole, Whole(directory));
    co_await DiskWait(disk_, loop_, disk_.parameters_.read, 0);
    CO_RETURN_IF_ERROR(CheckDirectory(directory, whole));
    co_return disk_.names_.List(whole);
  }

  Task<absl::Status> CreateDirectory(std::string directory) override {
    CO_ASSIGN_OR_RETURN(const std::string whole, Whole(directory));
    co_await DiskWait(disk_, loop_, disk_.parameters_.write, 0);
    const NodePtr node = disk_.names_.Find(whole);
    if (node != nullptr) {
      co_return node->is_directory ? absl::OkStatus() : Error(ErrorCode::file_exists, directory);
    }
    CO_RETURN_IF_ERROR(CheckParent(directory, whole));
    CO_RETURN_IF_ERROR(disk_.CheckWritable(directory));
    Note("mkdir", whole);
    disk_.names_.Create(whole, disk_.NewNode(whole, /*is_directory=*/true));
    co_return absl::OkStatus();
  }

  Task<absl::Status> SyncDirectory(std::string directory) override {
    CO_ASSIGN_OR_RETURN(const std::string whole, Whole(directory));
    co_await DiskWait(disk_, loop_, disk_.parameters_.sync, 0);
    CO_RETURN_IF_ERROR(CheckDirectory(directory, whole));
    Note("syncdir", whole);
    if (disk_.TakeOnce(disk_.fail_syncs_, DiskEffect::kSyncFailed)) {
      co_return Error(ErrorCode::io_error, directory + ": sync of the directory");
    }
    disk_.names_.SyncDirectory(whole);
    co_return absl::OkStatus();
  }

  Task<absl::StatusOr<std::unique_ptr<FileLock>>> Lock(std::string path) override {
    CO_ASSIGN_OR_RETURN(const std::string whole, Whole(path));
    co_await DiskWait(disk_, loop_, disk_.parameters_.read, 0);
    CO_RETURN_IF_ERROR(CheckParent(path, whole));
    if (!disk_.locks_.emplace(whole, this).second) {
      co_return Error(ErrorCode::file_locked, path);
    }
    co_return std::unique_ptr<FileLock>(std::make_unique<SimLock>(disk_, whole, this));
  }

 private:
  // The path on the disk.
  absl::StatusOr<std::string> Whole(const std::string& path) const {
    if (path.empty()) return directory_;
    std::string_view rest = path;
    while (true) {
      const size_t slash = rest.find('/');
      const std::string_view part = rest.substr(0, slash);
      if (part.empty() || part == "." || part == ".." || part.find('\0') != part.npos) {
        return Error(ErrorCode::invalid_argument, "\"" + path + "\" is no path");
      }
      if (slash == std::string_view::npos) break;
      rest.remove_prefix(slash + 1);
    }
    return directory_ + "/" + path;
  }

  absl::Status CheckParent(const std::string& path, const std::string& whole) const {
    const NodePtr parent = disk_.names_.Find(std::string(ParentOf(whole)));
    if (parent != nullptr && parent->is_directory) return absl::OkStatus();
    return Error(ErrorCode::file_not_found, path + ": no such directory");
  }

  absl::Status CheckDirectory(const std::string& path, const std::string& whole) const {
    const NodePtr node = disk_.names_.Find(whole);
    if (node == nullptr) return Error(ErrorCode::file_not_found, path);
    if (!node->is_directory) return Error(ErrorCode::platform_error, path + ": is no directory");
    return absl::OkStatus();
  }

  void Note(const char* what, const std::string& names) {
    disk_.timeline_.Note(Happening::kFile, disk_.key_, HashName(what), HashBytes(names));
  }

  Disk& disk_;
  Loop& loop_;
  const std::string directory_;
};

std::unique_ptr<ProcessFiles> Disk::Attach(Loop& loop, const std::string& directory) {
  if (names_.Find(directory) == nullptr) names_.CreateDurableDirectory(directory);
  return std::make_unique<SimFileSystem>(*this, loop, directory);
}

}  // namespace orrery::sim
