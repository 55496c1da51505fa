// Times, faults and losses of a disk.
#include "sim/disk/disk.h"

#include <algorithm>
#include <utility>

#include "core/base/invariant.h"
#include "sim/disk/disk_operation.h"
#include "sim/world/latency.h"

namespace orrery::sim {
namespace {

constexpr uint64_t kReadUnit = 8 * kSectorBytes;  // Bad sectors come in physical ones of 4 KiB.

// Per-operation draws of a loss of power.
class HashedCrash : public CrashDraw {
 public:
  HashedCrash(CrashStyle style, uint64_t key) : style_(style), key_(key) {}

  bool SectorSurvives(uint64_t change, uint64_t sector) override {
    if (style_ != CrashStyle::kRandom) return style_ == CrashStyle::kKeepAll;
    return HashWords(key_, change, sector) % 2 == 0;
  }
  uint64_t SizeChangesSurviving(uint64_t count) override {
    if (style_ != CrashStyle::kRandom) return style_ == CrashStyle::kKeepAll ? count : 0;
    return HashWords(key_, HashName("size")) % (count + 1);
  }

 private:
  const CrashStyle style_;
  const uint64_t key_;
};

}  // namespace

const char* NameOf(DiskEffect effect) {
  static constexpr std::array<const char*, kDiskEffects> kNames = {
      "disk_sync_failed", "disk_read_failed",       "disk_write_failed",
      "disk_bit_flipped", "disk_write_misdirected", "disk_write_lost",
      "disk_full",        "disk_read_only",         "disk_slow",
      "disk_stalled"};
  return kNames[static_cast<size_t>(effect)];
}

Disk::Disk(Timeline& timeline, uint64_t key, DiskParameters parameters)
    : timeline_(timeline), key_(key), parameters_(parameters) {}

Disk::~Disk() = default;

NodePtr Disk::NewNode(const std::string& path, bool is_directory) {
  auto node = std::make_shared<DiskNode>();
  node->key = HashWords(HashBytes(path), ++nodes_);
  node->is_directory = is_directory;
  return node;
}

Time Disk::CompletionTime(Duration median, uint64_t bytes) {
  if (slowness_ > 1) Count(DiskEffect::kSlowed);
  const Duration latency =
      DrawLatency(median, parameters_.tail_max, NextDraw(DrawFor::kLatency)) * int64_t{slowness_};
  const Duration transfer(static_cast<int64_t>(static_cast<unsigned __int128>(bytes) * slowness_ *
                                               1'000'000'000 / parameters_.bytes_per_second));
  free_at_ = std::max(free_at_, timeline_.Now()) + transfer;
  Time done = std::max(timeline_.Now() + latency, free_at_);
  if (stalled()) {
    Count(DiskEffect::kStalled);
    done = std::max(done, stalled_until_ + latency);
  }
  return done;
}

void Disk::SetSlowness(uint32_t times) {
  INVARIANT(times > 0);
  slowness_ = times;
}

void Disk::StallUntil(Time until) { stalled_until_ = std::max(stalled_until_, until); }

bool Disk::SectorIsBad(uint64_t node_key, uint64_t offset, uint64_t bytes) const {
  if (fail_reads_one_in_ == 0 || bytes == 0) return false;
  const uint64_t last = (offset + bytes - 1) / kReadUnit;
  for (uint64_t group = offset / kReadUnit; group <= last; ++group) {
    if (HashWords(timeline_.seed(), key_, node_key, group) % fail_reads_one_in_ == 0) return true;
  }
  return false;
}

bool Disk::TakeOnce(uint32_t& pending, DiskEffect effect) {
  if (pending == 0) return false;
  --pending;
  Count(effect);
  return true;
}

absl::Status Disk::CheckNotReadOnly(const std::string& path) {
  if (!read_only_) return absl::OkStatus();
  Count(DiskEffect::kRefusedReadOnly);
  return Error(ErrorCode::platform_error, path + ": read-only file system");
}

absl::Status Disk::CheckWritable(const std::string& path) {
  RETURN_IF_ERROR(CheckNotReadOnly(path));
  if (!full_) return absl::OkStatus();
  Count(DiskEffect::kRefusedFull);
  return Error(ErrorCode::disk_full, path);
}

absl::Status Disk::CheckWriteWorks(const std::string& path) {
  if (fail_writes_one_in_ == 0 || NextDraw(DrawFor::kWriteFailure) % fail_writes_one_in_ != 0) {
    return absl::OkStatus();
  }
  Count(DiskEffect::kWriteFailed);
  return Error(ErrorCode::io_error, path + ": write");
}

NodePtr Disk::DrawFile(uint64_t draw) const {
  std::vector<NodePtr> files;
  names_.ForEachFile([this, &files](const std::string& path, DiskNode& node) {
    if (node.file.durable_size() > 0) files.push_back(names_.Find(path));
  });
  return files.empty() ? nullptr : files[draw % files.size()];
}

absl::Status Disk::WriteNow(const std::string& path, DiskNode& node, uint64_t offset, Buffer data,
                            bool durable) {
  RETURN_IF_ERROR(CheckWritable(path));
  timeline_.Note(Happening::kFile, HashWords(key_, node.key), offset, HashBytes(data.view()));
  if (absl::Status works = CheckWriteWorks(path); !works.ok()) {
    WritePart(node, offset, data);
    return works;
  }
  if (!data.empty() && TakeOnce(lose_writes_, DiskEffect::kWriteLost)) {
    damaged_ = true;
    return absl::OkStatus();
  }
  if (!data.empty() && TakeOnce(misdirect_writes_, DiskEffect::kWriteMisdirected)) {
    damaged_ = true;
    WriteElsewhere(data.view());
    return absl::OkStatus();
  }
  if (durable && TakeOnce(fail_syncs_, DiskEffect::kSyncFailed)) {
    node.file.Write(offset, std::move(data));
    node.file.Forget(node.file.last_change());
    return Error(ErrorCode::io_error, path + ": sync");
  }
  if (durable) {
    node.file.WriteDurable(offset, std::move(data));
  } else {
    node.file.Write(offset, std::move(data));
  }
  return absl::OkStatus();
}

// To a sector of a file that is there; where no file is, the write is only lost.
void Disk::WriteElsewhere(std::string_view data) {
  const NodePtr other = DrawFile(NextDraw(DrawFor::kDamage));
  if (other == nullptr) return;
  const uint64_t size = other->file.durable_size();
  const uint64_t sectors = (size + kSectorBytes - 1) / kSectorBytes;
  const uint64_t offset = NextDraw(DrawFor::kDamage) % sectors * kSectorBytes;
  other->file.Damage(offset, data.substr(0, size - offset));
}

void Disk::WriteAbandoned(DiskNode& node, uint64_t offset, const Buffer& data) {
  if (!full_ && !read_only_) WritePart(node, offset, data);
}

void Disk::WritePart(DiskNode& node, uint64_t offset, const Buffer& data) {
  const uint64_t draw = NextDraw(DrawFor::kAbandoned);
  if (data.empty() || draw % 3 == 0) return;  // Not at all.
  uint64_t bytes = data.size();
  if (draw % 3 == 1) {  // Torn at a sector.
    const uint64_t first = kSectorBytes - offset % kSectorBytes;
    const uint64_t boundaries = bytes > first ? (bytes - first - 1) / kSectorBytes + 1 : 0;
    const uint64_t kept = (draw >> 8) % (boundaries + 1);
    bytes = kept == 0 ? 0 : first + (kept - 1) * kSectorBytes;
  }
  timeline_.Note(Happening::kFile, HashWords(key_, node.key), HashName("part"), bytes);
  if (bytes > 0) node.file.Write(offset, data.Slice(0, bytes));
}

absl::Status Disk::TruncateNow(const std::string& path, DiskNode& node, uint64_t bytes) {
  RETURN_IF_ERROR(CheckNotReadOnly(path));  // A full disk can be cut.
  RETURN_IF_ERROR(CheckWriteWorks(path));
  timeline_.Note(Happening::kFile, HashWords(key_, node.key), HashName("truncate"), bytes);
  node.file.Truncate(bytes);
  return absl::OkStatus();
}

absl::Status Disk::SyncNow(const std::string& path, DiskNode& node, uint64_t through) {
  timeline_.Note(Happening::kFile, HashWords(key_, node.key), HashName("sync"), through);
  if (TakeOnce(fail_syncs_, DiskEffect::kSyncFailed)) {
    node.file.Forget(through);
    return Error(ErrorCode::io_error, path + ": sync");
  }
  node.file.Sync(through);
  return absl::OkStatus();
}

void Disk::PowerLoss() {
  const uint64_t crash = HashWords(timeline_.seed(), key_, HashName("crash"), ++crashes_);
  const CrashStyle style = parameters_.crash_style;
  names_.LosePower([style, crash](uint64_t change) {
    if (style != CrashStyle::kRandom) return style == CrashStyle::kKeepAll;
    return HashWords(crash, change) % 2 == 0;
  });
  names_.ForEachFile([style, crash](const std::string&, DiskNode& node) {
    HashedCrash draw(style, HashWords(crash, node.key));
    node.file.LosePower(draw);
  });
  free_at_ = {};
}

void Disk::Wipe() {
  names_.Clear();
  damaged_ = false;
}

void Disk::RotBits(uint32_t bits) {
  for (uint32_t i = 0; i < bits; ++i) {
    const NodePtr node = DrawFile(NextDraw(DrawFor::kDamage));
    if (node == nullptr) return;
    node->file.FlipBit(NextDraw(DrawFor::kDamage) % (node->file.durable_size() * 8));
    Count(DiskEffect::kBitFlipped);
    damaged_ = true;
  }
}

void Disk::HealAll() {
  fail_reads_one_in_ = fail_writes_one_in_ = 0;
  full_ = read_only_ = false;
  slowness_ = 1;
  stalled_until_ = {};
  free_at_ = {};
  fail_syncs_ = misdirect_writes_ = lose_writes_ = 0;
  for (DiskOperation* operation : std::exchange(held_, {})) operation->Release();
}

}  // namespace orrery::sim
