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
  node->space = space_;
  CountSpace(*node);
  return node;
}

void Disk::CountSpace(DiskNode& node) {
  const bool gone = !node.linked && node.opens == 0;
  node.Charge(gone ? 0 : SparseBytes::kChunk + node.file.allocated_bytes());
}

Time Disk::CompletionTime(Duration median, uint64_t bytes) {
  if (slowness_ > 1) Count(DiskEffect::kSlowed);
  const Duration latency =
      DrawLatency(median, parameters_.tail_max, NextDraw(DrawFor::kLatency)) * int64_t{slowness_};
  const Duration transfer(static_cast<int64_t>(static_cast<unsigned __int128>(bytes) * slowness_ *
                                               1'000'000'000 / parameters_.bytes_per_second));
  if (stalled()) Count(DiskEffect::kStalled);
  const Time begin = std::max(timeline_.Now(), stalled_until_);
  free_at_ = std::max(free_at_, begin) + transfer;
  return std::max(begin + latency, free_at_);
}

void Disk::SetSlowness(uint32_t times) {
  INVARIANT(times > 0);
  slowness_ = times;
}

void Disk::StallUntil(Time until) {
  const Time from = std::max(timeline_.Now(), stalled_until_);
  if (until <= from) return;
  stalled_until_ = until;
  if (free_at_ > timeline_.Now()) free_at_ += until - from;
  for (DiskOperation* operation : under_way_) {
    Count(DiskEffect::kStalled);
    operation->Delay(until - from);
  }
}

bool Disk::SectorIsBad(uint64_t node_key, uint64_t offset, uint64_t bytes) const {
  if (fail_reads_one_in_ == 0 || bytes == 0) return false;
  const uint64_t last = (offset + bytes - 1) / kReadUnit;
  const uint64_t seed = timeline_.draw_seed();
  for (uint64_t group = offset / kReadUnit; group <= last; ++group) {
    if (HashWords(seed, key_, node_key, group) % fail_reads_one_in_ == 0) return true;
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

absl::Status Disk::CheckNewNode(const std::string& path) {
  RETURN_IF_ERROR(CheckNotReadOnly(path));
  return FreeBytes() < SparseBytes::kChunk ? RefuseFull(path) : absl::OkStatus();
}

absl::Status Disk::RefuseFull(const std::string& path) {
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
  RETURN_IF_ERROR(CheckNotReadOnly(path));
  timeline_.Note(Happening::kFile, HashWords(key_, node.key), offset, HashBytes(data.view()));
  if (const uint64_t fits = node.file.Fitting(offset, data.size(), FreeBytes());
      fits < data.size()) {
    node.file.Write(offset, data.Slice(0, fits));  // As a short write leaves it.
    CountSpace(node);
    return RefuseFull(path);
  }
  if (absl::Status works = CheckWriteWorks(path); !works.ok()) {
    WritePart(node, offset, data);
    return works;
  }
  if (!data.empty() && TakeOnce(lose_writes_, DiskEffect::kWriteLost)) {
    damaged_ = true;
    NoteFault(node.key, "lost", offset);
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
    CountSpace(node);
    return Error(ErrorCode::io_error, path + ": sync");
  }
  if (durable) {
    node.file.WriteDurable(offset, std::move(data));
  } else {
    node.file.Write(offset, std::move(data));
  }
  CountSpace(node);
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
  NoteFault(other->key, "misdirected", offset);
}

void Disk::WriteAbandoned(DiskNode& node, uint64_t offset, const Buffer& data) {
  if (!read_only_) WritePart(node, offset, data);
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
  bytes = node.file.Fitting(offset, bytes, FreeBytes());
  timeline_.Note(Happening::kFile, HashWords(key_, node.key), HashName("part"), bytes);
  node.file.Write(offset, data.Slice(0, bytes));
  CountSpace(node);
}

absl::Status Disk::TruncateNow(const std::string& path, DiskNode& node, uint64_t bytes) {
  RETURN_IF_ERROR(CheckNotReadOnly(path));  // A full disk can be cut.
  RETURN_IF_ERROR(CheckWriteWorks(path));
  timeline_.Note(Happening::kFile, HashWords(key_, node.key), HashName("truncate"), bytes);
  node.file.Truncate(bytes);
  CountSpace(node);
  return absl::OkStatus();
}

absl::Status Disk::SyncNow(const std::string& path, DiskNode& node, uint64_t through) {
  timeline_.Note(Happening::kFile, HashWords(key_, node.key), HashName("sync"), through);
  if (TakeOnce(fail_syncs_, DiskEffect::kSyncFailed)) {
    node.file.Forget(through);
    return Error(ErrorCode::io_error, path + ": sync");
  }
  if (node.file.IsDirty(through)) {
    if (absl::Status writable = CheckNotReadOnly(path); !writable.ok()) {
      node.file.Forget(through);
      return writable;
    }
  }
  node.file.Sync(through);
  return absl::OkStatus();
}

absl::Status Disk::SyncDirectoryNow(const std::string& path, const std::string& whole) {
  timeline_.Note(Happening::kFile, key_, HashName("syncdir"), HashBytes(whole));
  if (TakeOnce(fail_syncs_, DiskEffect::kSyncFailed)) {
    return Error(ErrorCode::io_error, path + ": sync of the directory");
  }
  if (names_.IsDirty(whole)) RETURN_IF_ERROR(CheckNotReadOnly(path));
  names_.SyncDirectory(whole);
  return absl::OkStatus();
}

void Disk::NoteFault(uint64_t entity, std::string_view what, uint64_t value) {
  timeline_.Note(Happening::kFault, HashWords(key_, entity), HashName(what), value);
}

void Disk::PowerLoss() {
  const uint64_t crash = HashWords(timeline_.draw_seed(), key_, HashName("crash"), ++crashes_);
  uint64_t survived = 0;
  if (names_.unsynced_changes() > 0) {
    DrawnCrash draw(parameters_.crash_weights, HashWords(crash, HashName("names")));
    draw.Begin(names_.unsynced_changes());
    names_.LosePower([&](uint64_t change) {
      const bool survives = draw.ChangeSurvives(change);
      survived = HashWords(survived, change, survives);
      return survives;
    });
  }
  names_.ForEachFile([&](const std::string&, DiskNode& node) {
    DrawnCrash draw(parameters_.crash_weights, HashWords(crash, node.key));
    survived = HashWords(survived, node.key, node.file.LosePower(draw));
    node.linked = true;
    CountSpace(node);
  });
  NoteFault(0, "power_loss", survived);
  free_at_ = {};
}

void Disk::Wipe() {
  uint64_t wiped = 0;
  names_.ForEachFile([&](const std::string&, DiskNode& node) {
    wiped = HashWords(wiped, node.key, node.file.size());
  });
  NoteFault(0, "wipe", wiped);
  names_.Clear();
  damaged_ = false;
}

void Disk::RotBits(uint32_t bits) {
  for (uint32_t i = 0; i < bits; ++i) {
    const NodePtr node = DrawFile(NextDraw(DrawFor::kDamage));
    if (node == nullptr) return;
    const uint64_t bit = NextDraw(DrawFor::kDamage) % (node->file.durable_size() * 8);
    node->file.FlipBit(bit);
    NoteFault(node->key, "rot", bit);
    Count(DiskEffect::kBitFlipped);
    damaged_ = true;
  }
}

void Disk::HealAll() {
  fail_reads_one_in_ = fail_writes_one_in_ = 0;
  capacity_ = kNoCapacityLimit;
  read_only_ = false;
  slowness_ = 1;
  if (stalled()) {
    const Duration early = timeline_.Now() - stalled_until_;
    for (DiskOperation* operation : under_way_) operation->Delay(early);
  }
  stalled_until_ = {};
  free_at_ = {};
  fail_syncs_ = misdirect_writes_ = lose_writes_ = 0;
}

}  // namespace orrery::sim
