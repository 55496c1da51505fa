// The FileSystem of one incarnation: waits for the disk, then does the operation.
#include <limits>
#include <memory>
#include <utility>

#include "core/base/invariant.h"
#include "sim/disk/disk.h"
#include "sim/disk/disk_operation.h"

namespace orrery::sim {
namespace {

// Offsets beyond are no offsets; sizes beyond are refused, as file systems do at a few TiB.
constexpr uint64_t kOffsetMax = std::numeric_limits<int64_t>::max();
constexpr uint64_t kFileBytesMax = uint64_t{16} << 30;

constexpr Duration kSizeMedian = Microseconds(1);  // From memory.

}  // namespace

// Its operations keep the core alive: the File may be destroyed before them.
class SimFile final : public File {
 public:
  struct Core {
    Core(Disk& d, Loop& l, std::string p, NodePtr n)
        : disk(d), loop(l), path(std::move(p)), node(std::move(n)) {
      ++node->opens;
    }
    ~Core() {
      --node->opens;
      disk.CountSpace(*node);
    }

    Disk& disk;
    Loop& loop;
    const std::string path;
    const NodePtr node;
  };
  using CorePtr = std::shared_ptr<const Core>;

  explicit SimFile(CorePtr core) : core_(std::move(core)) {}

  Task<absl::StatusOr<Buffer>> Read(uint64_t offset, uint32_t bytes) override {
    return DoRead(core_, offset, bytes);
  }
  Task<absl::Status> Write(uint64_t offset, Buffer data) override {
    return DoWrite(core_, offset, std::move(data), /*durable=*/false);
  }
  Task<absl::Status> WriteDurable(uint64_t offset, Buffer data) override {
    return DoWrite(core_, offset, std::move(data), /*durable=*/true);
  }
  Task<absl::Status> Sync() override { return DoSync(core_); }
  Task<absl::Status> Truncate(uint64_t bytes) override { return DoTruncate(core_, bytes); }
  Task<absl::StatusOr<uint64_t>> Size() override { return DoSize(core_); }

 private:
  static absl::Status CheckRange(const Core& core, uint64_t offset, uint64_t bytes) {
    if (offset <= kOffsetMax && bytes <= kOffsetMax - offset) return absl::OkStatus();
    return Error(ErrorCode::invalid_argument, core.path + ": offset beyond 2^63 - 1");
  }
  static absl::Status CheckSize(const Core& core, uint64_t bytes) {
    if (bytes <= kFileBytesMax) return absl::OkStatus();
    return Error(ErrorCode::platform_error, core.path + ": file too large");
  }

  static Task<absl::StatusOr<Buffer>> DoRead(CorePtr core, uint64_t offset, uint32_t bytes) {
    CO_RETURN_IF_ERROR(CheckRange(*core, offset, bytes));
    Disk& disk = core->disk;
    const FileImage& file = core->node->file;
    const auto within = [&] {
      return std::min<uint64_t>(bytes, file.size() - std::min(offset, file.size()));
    };
    co_return co_await DiskEvent(
        disk, core->loop, disk.parameters_.read, within(),
        [&]() -> absl::StatusOr<Buffer> {
          const uint64_t count = within();
          if (disk.SectorIsBad(core->node->key, offset, count)) {
            disk.Count(DiskEffect::kReadFailed);
            return Error(ErrorCode::io_error, core->path + ": read");
          }
          MutableBuffer out(count);
          if (count > 0) file.Read(offset, count, out.data());
          Buffer content = std::move(out).Freeze(count);
          disk.timeline_.Note(Happening::kFile,
                              HashWords(disk.key_, core->node->key, HashName("read")), offset,
                              HashBytes(content.view()));
          return content;
        },
        [] {});
  }

  static Task<absl::Status> DoWrite(CorePtr core, uint64_t offset, Buffer data, bool durable) {
    CO_RETURN_IF_ERROR(CheckRange(*core, offset, data.size()));
    CO_RETURN_IF_ERROR(CheckSize(*core, offset + data.size()));
    Disk& disk = core->disk;
    const DiskParameters& p = disk.parameters_;
    co_return co_await DiskEvent(
        disk, core->loop, durable ? p.write + p.sync : p.write, data.size(),
        [&] { return disk.WriteNow(core->path, *core->node, offset, std::move(data), durable); },
        [&] { disk.WriteAbandoned(*core->node, offset, data); });
  }

  static Task<absl::Status> DoSync(CorePtr core) {
    Disk& disk = core->disk;
    const uint64_t through = core->node->file.last_change();
    const auto sync = [&] { return disk.SyncNow(core->path, *core->node, through); };
    co_return co_await DiskEvent(disk, core->loop, disk.parameters_.sync, 0, sync,
                                 PerhapsDone(disk, sync));
  }

  static Task<absl::Status> DoTruncate(CorePtr core, uint64_t bytes) {
    CO_RETURN_IF_ERROR(CheckRange(*core, bytes, 0));
    CO_RETURN_IF_ERROR(CheckSize(*core, bytes));
    Disk& disk = core->disk;
    const auto truncate = [&] { return disk.TruncateNow(core->path, *core->node, bytes); };
    co_return co_await DiskEvent(disk, core->loop, disk.parameters_.write, 0, truncate,
                                 PerhapsDone(disk, truncate));
  }

  static Task<absl::StatusOr<uint64_t>> DoSize(CorePtr core) {
    co_return co_await DiskEvent(
        core->disk, core->loop, kSizeMedian, 0,
        [&]() -> absl::StatusOr<uint64_t> { return core->node->file.size(); }, [] {});
  }

  const CorePtr core_;
};

class SimLock final : public FileLock {
 public:
  SimLock(Disk& disk, std::string path, uint64_t id)
      : disk_(disk), path_(std::move(path)), id_(id) {}
  ~SimLock() override {
    const auto at = disk_.locks_.find(path_);
    if (at != disk_.locks_.end() && at->second.id == id_) disk_.locks_.erase(at);
  }

 private:
  Disk& disk_;
  const std::string path_;
  const uint64_t id_;
};

class SimFileSystem final : public ProcessFiles {
 public:
  SimFileSystem(Disk& disk, Loop& loop, std::string directory)
      : disk_(disk), loop_(loop), directory_(std::move(directory)) {}
  ~SimFileSystem() override { Fence(); }

  void Fence() override {
    std::erase_if(disk_.locks_, [this](const auto& lock) { return lock.second.holder == this; });
  }

  Task<absl::StatusOr<std::unique_ptr<File>>> Open(std::string path, OpenMode mode) override {
    CO_ASSIGN_OR_RETURN(const std::string whole, Whole(path, /*root_allowed=*/false));
    const auto open = [&] { return OpenNow(path, whole, mode); };
    co_return co_await DiskEvent(disk_, loop_, disk_.parameters_.read, 0, open,
                                 PerhapsDone(disk_, open));
  }

  Task<absl::Status> Rename(std::string from, std::string to) override {
    CO_ASSIGN_OR_RETURN(const std::string whole_from, Whole(from, /*root_allowed=*/false));
    CO_ASSIGN_OR_RETURN(const std::string whole_to, Whole(to, /*root_allowed=*/false));
    const auto rename = [&]() -> absl::Status {
      const NodePtr node = disk_.names_.Find(whole_from);
      if (node == nullptr) return Error(ErrorCode::file_not_found, from);
      RETURN_IF_ERROR(CheckParent(to, whole_to));
      const NodePtr target = disk_.names_.Find(whole_to);
      if (node->is_directory || (target != nullptr && target->is_directory)) {
        return Error(ErrorCode::platform_error, from + " to " + to + ": only files are renamed");
      }
      RETURN_IF_ERROR(disk_.CheckNotReadOnly(from));
      Note("rename", whole_from + "\n" + whole_to);
      if (whole_from == whole_to) return absl::OkStatus();
      disk_.names_.Rename(whole_from, whole_to);
      if (target != nullptr) Unlink(*target);
      return absl::OkStatus();
    };
    co_return co_await DiskEvent(disk_, loop_, disk_.parameters_.write, 0, rename,
                                 PerhapsDone(disk_, rename));
  }

  Task<absl::Status> Delete(std::string path) override {
    CO_ASSIGN_OR_RETURN(const std::string whole, Whole(path, /*root_allowed=*/false));
    const auto remove = [&]() -> absl::Status {
      const NodePtr node = disk_.names_.Find(whole);
      if (node == nullptr) return Error(ErrorCode::file_not_found, path);
      if (node->is_directory) return Error(ErrorCode::platform_error, path + ": is a directory");
      RETURN_IF_ERROR(disk_.CheckNotReadOnly(path));  // On a full disk it makes room.
      Note("delete", whole);
      disk_.names_.Delete(whole);
      Unlink(*node);
      return absl::OkStatus();
    };
    co_return co_await DiskEvent(disk_, loop_, disk_.parameters_.write, 0, remove,
                                 PerhapsDone(disk_, remove));
  }

  Task<absl::StatusOr<std::vector<std::string>>> List(std::string directory) override {
    CO_ASSIGN_OR_RETURN(const std::string whole, Whole(directory, /*root_allowed=*/true));
    co_return co_await DiskEvent(
        disk_, loop_, disk_.parameters_.read, 0,
        [&]() -> absl::StatusOr<std::vector<std::string>> {
          RETURN_IF_ERROR(CheckDirectory(directory, whole));
          return disk_.names_.List(whole);
        },
        [] {});
  }

  Task<absl::Status> CreateDirectory(std::string directory) override {
    CO_ASSIGN_OR_RETURN(const std::string whole, Whole(directory, /*root_allowed=*/true));
    const auto create = [&]() -> absl::Status {
      const NodePtr node = disk_.names_.Find(whole);
      if (node != nullptr && node->is_directory) return absl::OkStatus();
      if (node != nullptr) return Error(ErrorCode::file_exists, directory);
      RETURN_IF_ERROR(CheckParent(directory, whole));
      RETURN_IF_ERROR(disk_.CheckNewNode(directory));
      Note("mkdir", whole);
      disk_.names_.Create(whole, disk_.NewNode(whole, /*is_directory=*/true));
      return absl::OkStatus();
    };
    co_return co_await DiskEvent(disk_, loop_, disk_.parameters_.write, 0, create,
                                 PerhapsDone(disk_, create));
  }

  Task<absl::Status> SyncDirectory(std::string directory) override {
    CO_ASSIGN_OR_RETURN(const std::string whole, Whole(directory, /*root_allowed=*/true));
    const auto sync = [&]() -> absl::Status {
      RETURN_IF_ERROR(CheckDirectory(directory, whole));
      return disk_.SyncDirectoryNow(directory, whole);
    };
    co_return co_await DiskEvent(disk_, loop_, disk_.parameters_.sync, 0, sync,
                                 PerhapsDone(disk_, sync));
  }

  Task<absl::StatusOr<std::unique_ptr<FileLock>>> Lock(std::string path) override {
    CO_ASSIGN_OR_RETURN(const std::string whole, Whole(path, /*root_allowed=*/false));
    const auto lock = [&]() -> absl::StatusOr<std::unique_ptr<FileLock>> {
      RETURN_IF_ERROR(FindOrCreate(path, whole, OpenMode::kCreate).status());
      const uint64_t id = ++disk_.last_lock_;
      if (!disk_.locks_.emplace(whole, Disk::HeldLock{this, id}).second) {
        return Error(ErrorCode::file_locked, path + ": held by another");
      }
      return std::make_unique<SimLock>(disk_, whole, id);
    };
    co_return co_await DiskEvent(disk_, loop_, disk_.parameters_.read, 0, lock, [] {});
  }

 private:
  // The path on the disk.
  absl::StatusOr<std::string> Whole(const std::string& path, bool root_allowed) const {
    if (path.empty() && root_allowed) return directory_;
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

  // The file of an Open.
  absl::StatusOr<NodePtr> FindOrCreate(const std::string& path, const std::string& whole,
                                       OpenMode mode) {
    NodePtr node = disk_.names_.Find(whole);
    if (node != nullptr && mode == OpenMode::kCreateNew) return Error(ErrorCode::file_exists, path);
    if (node != nullptr && node->is_directory) {
      return Error(ErrorCode::platform_error, path + ": is a directory");
    }
    if (node == nullptr && mode == OpenMode::kExisting) {
      return Error(ErrorCode::file_not_found, path);
    }
    RETURN_IF_ERROR(disk_.CheckNotReadOnly(path));  // It is opened for writing.
    if (node != nullptr) return node;
    RETURN_IF_ERROR(CheckParent(path, whole));
    RETURN_IF_ERROR(disk_.CheckNewNode(path));
    node = disk_.NewNode(whole, /*is_directory=*/false);
    disk_.names_.Create(whole, node);
    Note("create", whole);
    return node;
  }

  absl::StatusOr<std::unique_ptr<File>> OpenNow(const std::string& path, const std::string& whole,
                                                OpenMode mode) {
    ASSIGN_OR_RETURN(NodePtr node, FindOrCreate(path, whole, mode));
    return std::make_unique<SimFile>(
        std::make_shared<const SimFile::Core>(disk_, loop_, path, std::move(node)));
  }

  // No name leads to it any more.
  void Unlink(DiskNode& node) {
    node.linked = false;
    disk_.CountSpace(node);
  }

  absl::Status CheckParent(const std::string& path, const std::string& whole) const {
    const NodePtr parent = disk_.names_.Find(std::string(ParentOf(whole)));
    if (parent != nullptr && parent->is_directory) return absl::OkStatus();
    return Error(ErrorCode::file_not_found, path + ": no such directory");
  }

  absl::Status CheckDirectory(const std::string& path, const std::string& whole) const {
    const NodePtr node = disk_.names_.Find(whole);
    if (node == nullptr) return Error(ErrorCode::file_not_found, path);
    if (!node->is_directory) return Error(ErrorCode::file_not_found, path + ": is no directory");
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
