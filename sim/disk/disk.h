// Disk: the files of one simulated machine. Processes come and go and see them through a
// ProcessFiles each; the bytes live here.
//
// - An operation takes a time drawn around the disk's medians, and its bytes' share of the
//   bandwidth; it takes effect when it completes, and enters the timeline's hash then.
// - What is lost with power: sectors of unsynced writes, changes of size, changes of names, each by
//   a draw (see file_image.h and name_table.h), in a mode drawn for each (crash, file) by the
//   disk's weights (see crash_draw.h).
// - Space is taken in blocks of 4 KiB: those that hold bytes of a file, and one for each file and
//   directory. A deleted file's are free once nobody has it open. What takes no new block goes
//   through on a full disk: overwriting, cutting, renaming, deleting, syncing.
// - Crashes and damage enter the timeline's hash, with what survived or was hit.
// - An operation whose task is destroyed while it is under way (a process killed, a caller that
// gave
//   up) takes effect at that moment or never, by a draw; a write may be torn at a sector.
// - Draws are hashes of (seed, disk, kind of draw, ordinal), or of (file, sector), so that a fault
//   more or less shifts nobody's latencies.
// - Faults are switched by whoever knows what is legal. Those that last stay until they are
// switched
//   off or HealAll; those that damage stay damaged.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/env/file_system.h"
#include "sim/disk/name_table.h"
#include "sim/disk/parameters.h"
#include "sim/world/loop.h"
#include "sim/world/timeline.h"

namespace orrery::sim {

// What faults of a disk really did: the indices of DiskEffects.
enum class DiskEffect : uint8_t {
  kSyncFailed = 0,
  kReadFailed,
  kWriteFailed,
  kBitFlipped,
  kWriteMisdirected,
  kWriteLost,
  kRefusedFull,
  kRefusedReadOnly,
  kSlowed,
  kStalled,
};
inline constexpr size_t kDiskEffects = 10;

const char* NameOf(DiskEffect effect);

// The files of one incarnation of a process, below its directory. Destroying it does what Fence
// does.
class ProcessFiles : public FileSystem {
 public:
  virtual ~ProcessFiles() = default;

  // Ends the incarnation's part: its locks are free. Operations under way end when their tasks are
  // destroyed. Idempotent.
  virtual void Fence() = 0;
};

class DiskOperation;

class Disk {
 public:
  static constexpr uint64_t kNoCapacityLimit = ~uint64_t{0};

  Disk(Timeline& timeline, uint64_t key, DiskParameters parameters);
  ~Disk();

  // Files of the incarnation on `loop` below `directory`, which is made, durably, when it is not
  // there. REQUIRES: `loop` and the disk outlive it; `directory` is one name.
  std::unique_ptr<ProcessFiles> Attach(Loop& loop, const std::string& directory);

  const DiskParameters& parameters() const { return parameters_; }

  // REQUIRES for both: no ProcessFiles is attached that is not fenced.
  void PowerLoss();
  void Wipe();

  // Faults that last. one_in = 0 switches off.
  void FailReads(uint32_t one_in) { fail_reads_one_in_ = one_in; }  // By sector: latent.
  void FailWrites(uint32_t one_in) { fail_writes_one_in_ = one_in; }
  // Bytes that may be in use; fewer than are in use is legal, and stops growth.
  void SetCapacity(uint64_t bytes) { capacity_ = bytes; }
  void SetReadOnly(bool read_only) { read_only_ = read_only; }
  void SetSlowness(uint32_t times);  // 1: none. REQUIRES: times > 0.
  // World time. Nothing completes before it: operations under way and those that begin have all of
  // their time still to come after it. Extends a stall that is on; never shortens it.
  void StallUntil(Time until);
  // Faults that come once, with the next operation of their kind.
  void FailNextSync() { ++fail_syncs_; }
  void MisdirectNextWrite() { ++misdirect_writes_; }
  void LoseNextWrite() { ++lose_writes_; }
  // Damage at once: `bits` drawn bits of durable content.
  void RotBits(uint32_t bits);

  // Lasting faults end, the limit on space too, and those that wait for their operation are
  // forgotten; operations that a stall holds go on. Damage stays.
  void HealAll();

  uint64_t used_bytes() const { return space_->used; }

  // Whether durable bytes were damaged, or writes lost or misdirected, since the last Wipe.
  bool damaged() const { return damaged_; }

  // Draws whether an operation that was abandoned under way takes effect.
  bool AbandonedHappens() { return NextDraw(DrawFor::kAbandoned) % 2 == 0; }

  uint64_t effects(DiskEffect effect) const { return effects_[static_cast<size_t>(effect)]; }

 private:
  friend class DiskOperation;
  friend class SimFile;
  friend class SimFileSystem;
  friend class SimLock;

  // What draws are for; each kind has ordinals of its own.
  enum class DrawFor : uint8_t { kLatency = 0, kAbandoned, kWriteFailure, kDamage };
  static constexpr size_t kDrawKinds = 4;

  struct HeldLock {
    const void* holder;  // The incarnation.
    uint64_t id;
  };

  uint64_t NextDraw(DrawFor kind) {
    const auto index = static_cast<size_t>(kind);
    return HashWords(timeline_.seed(), key_, index, ++draws_[index]);
  }
  bool stalled() const { return timeline_.Now() < stalled_until_; }
  Time CompletionTime(Duration median, uint64_t bytes);
  bool SectorIsBad(uint64_t node_key, uint64_t offset, uint64_t bytes) const;
  void Count(DiskEffect effect) { ++effects_[static_cast<size_t>(effect)]; }
  bool TakeOnce(uint32_t& pending, DiskEffect effect);
  NodePtr DrawFile(uint64_t draw) const;
  absl::Status CheckNotReadOnly(const std::string& path);
  // For a new file or directory: not read-only, and a block free.
  absl::Status CheckNewNode(const std::string& path);
  absl::Status CheckWriteWorks(const std::string& path);
  absl::Status RefuseFull(const std::string& path);
  NodePtr NewNode(const std::string& path, bool is_directory);
  uint64_t FreeBytes() const { return capacity_ - std::min(capacity_, space_->used); }
  void CountSpace(DiskNode& node);  // After any change of its bytes, names or opens.
  void WriteElsewhere(std::string_view data);
  void NoteFault(uint64_t entity, std::string_view what, uint64_t value);

  // The effects of operations, when they complete.
  absl::Status WriteNow(const std::string& path, DiskNode& node, uint64_t offset, Buffer data,
                        bool durable);
  absl::Status SyncNow(const std::string& path, DiskNode& node, uint64_t through);
  absl::Status SyncDirectoryNow(const std::string& path, const std::string& whole);
  absl::Status TruncateNow(const std::string& path, DiskNode& node, uint64_t bytes);
  // A write whose task was destroyed while it was under way.
  void WriteAbandoned(DiskNode& node, uint64_t offset, const Buffer& data);
  // A write that did not complete: whole, torn at a sector, or not at all.
  void WritePart(DiskNode& node, uint64_t offset, const Buffer& data);

  Timeline& timeline_;
  const uint64_t key_;
  const DiskParameters parameters_;
  const std::shared_ptr<DiskSpace> space_ = std::make_shared<DiskSpace>();
  NameTable names_;
  std::map<std::string, HeldLock> locks_;  // By whole path.
  uint64_t last_lock_ = 0;
  std::vector<DiskOperation*> under_way_;
  std::array<uint64_t, kDrawKinds> draws_{};
  uint64_t nodes_ = 0;
  uint64_t crashes_ = 0;
  Time free_at_{};  // When the bandwidth is free again.

  uint32_t fail_reads_one_in_ = 0;
  uint32_t fail_writes_one_in_ = 0;
  uint64_t capacity_ = kNoCapacityLimit;
  bool read_only_ = false;
  uint32_t slowness_ = 1;
  Time stalled_until_{};
  uint32_t fail_syncs_ = 0;
  uint32_t misdirect_writes_ = 0;
  uint32_t lose_writes_ = 0;
  bool damaged_ = false;
  std::array<uint64_t, kDiskEffects> effects_{};
};

}  // namespace orrery::sim
