// Times, faults and losses of a disk.
#include "sim/disk/disk.h"

#include <algorithm>

#include "core/base/invariant.h"
#include "sim/world/latency.h"

namespace orrery::sim {
namespace {

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
      DrawLatency(median, parameters_.tail_max, NextDraw()) * static_cast<int64_t>(slowness_);
  const Duration transfer(
      static_cast<int64_t>(bytes * 1'000'000'000 * slowness_ / parameters_.bytes_per_second));
  free_at_ = std::max(free_at_, timeline_.Now()) + transfer;
  Time done = std::max(timeline_.Now() + latency, free_at_);
  if (timeline_.Now() < stalled_until_) {
    Count(DiskEffect::kStalled);
    done = std::max(done, stalled_until_ + latency);
  }
  return done;
}

void Disk::StallUntil(Time until) { stalled_until_ = std::max(stalled_until_, until); }

bool Disk::SectorIsBad(uint64_t node_key, uint64_t offset, uint64_t bytes) const {
  if (fail_reads_one_in_ == 0) return false;
  const uint64_t last = (offset + std::max<uint64_t>(bytes, 1) - 1) / kSectorBytes / 8;
  for (uint64_t group = offset / kSectorBytes / 8; group <= last; ++group) {
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

absl::Status Disk::CheckWritable(const std::string& path) {
  if (read_only_) {
    Count(DiskEffect::kRefusedReadOnly);
    return Error(ErrorCode::platform_error, path + ": read-only file system");
  }
  if (full_) {
    Count(DiskEffect::kRefusedFull);
    return Error(ErrorCode::disk_full, path);
  }
  return absl::OkStatus();
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
  if (fail_writes_one_in_ > 0 && NextDraw() % fail_writes_one_in_ == 0) {
    Count(DiskEffect::kWriteFailed);
    WriteAbandoned(node, offset, data);
    return Error(ErrorCode::io_error, path + ": write");
  }
  if (TakeOnce(lose_writes_, DiskEffect::kWriteLost)) {
    damaged_ = true;
    return absl::OkStatus();
  }
  if (TakeOnce(misdirect_writes_, DiskEffect::kWriteMisdirected)) {
    damaged_ = true;
    const NodePtr other = DrawFile(NextDraw());
    if (other == nullptr) return absl::OkStatus();
    const uint64_t sectors = other->file.durable_size() / kSectorBytes + 1;
    other->file.WriteDurable(NextDraw() % sectors * kSectorBytes, std::move(data));
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

void Disk::WriteAbandoned(DiskNode& node, uint64_t offset, const Buffer& data) {
  const uint64_t draw = NextDraw();
  if (data.empty() || draw % 3 == 0) return;  // Not at all.
  uint64_t bytes = data.size();
  if (draw % 3 == 1) {  // Torn at a sector.
    const uint64_t first = kSectorBytes - offset % kSectorBytes;
    const uint64_t sectors = bytes > first ? (bytes - first) / kSectorBytes + 1 : 0;
    const uint64_t kept = (draw >> 8) % (sectors + 1);
    bytes = kept == 0 ? 0 : std::min(bytes, first + (kept - 1) * kSectorBytes);
  }
  if (bytes > 0) node.file.Write(offset, data.Slice(0, bytes));
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
  locks_.clear();
  free_at_ = {};
}

void Disk::Wipe() {
  names_.Clear();
  locks_.clear();
  damaged_ = false;
}

void Disk::RotBits(uint32_t bits) {
  for (uint32_t i = 0; i < bits; ++i) {
    const NodePtr node = DrawFile(NextDraw());
    if (node == nullptr) return;
    node->file.FlipBit(NextDraw() % (node->file.durable_size() * 8));
    Count(DiskEffect::kBitFlipped);
    damaged_ = true;
  }
}

void Disk::HealAll() {
  fail_reads_one_in_ = fail_writes_one_in_ = 0;
  full_ = read_only_ = false;
  slowness_ = 1;
  stalled_until_ = {};
  fail_syncs_ = misdirect_writes_ = lose_writes_ = 0;
}

}  // namespace orrery::sim
