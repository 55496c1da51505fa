// FileImage: one file as its readers see it, and as it would be after a loss of power.
//
// `current` has every change that completed. `durable` has those that a sync made durable. The
// changes between them are kept in order: at a loss of power each sector (512 bytes) of each of
// them survives or not, as a CrashDraw says, applied in order, so any subset in any order of
// completion can be seen, torn at sectors. Changes of size survive as a prefix of the changes.
//
// What a failed sync forgot stays readable, and in doubt until newer durable bytes lie over it.
// Only a truncation is not forgotten: sizes go through a journal, and the next good sync makes it
// durable. Otherwise it could cut at any time what was synced after it.
//
// When there are very many changes, or they have very many bytes, the oldest become durable by
// themselves, as an operating system writes back.
//
// A pure structure: no time, no randomness of its own. An append that is durable, or a sync, costs
// time by the bytes written, not by the size of the file.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/buffer.h"
#include "sim/disk/crash_draw.h"
#include "sim/disk/sparse_bytes.h"

namespace orrery::sim {

inline constexpr uint64_t kSectorBytes = 512;

class FileImage {
 public:
  static constexpr size_t kUnsyncedChangesMax = 4096;
  static constexpr uint64_t kUnsyncedBytesMax = 16 << 20;

  uint64_t size() const { return current_.size(); }
  void Read(uint64_t offset, uint64_t bytes, char* out) const { current_.Read(offset, bytes, out); }

  // Empty data changes nothing, not even the size.
  void Write(uint64_t offset, Buffer data);
  void Truncate(uint64_t size);

  // A write that is durable by itself, with the size it needs. Other writes stay as they are; a
  // truncation that was not durable becomes so, with the changes before it.
  void WriteDurable(uint64_t offset, Buffer data);

  // A mark for Sync: changes made until now.
  uint64_t last_change() const { return last_change_; }

  // Makes the changes up to `through` durable.
  void Sync(uint64_t through);

  // A sync that failed: the writes up to `through` stay readable, and no later Sync makes them
  // durable.
  void Forget(uint64_t through);

  // Whether Sync(through) has something to make durable.
  bool IsDirty(uint64_t through) const;

  // Gives a hash of what survived: the same when the same changes did.
  uint64_t LosePower(CrashDraw& draw);

  // Damage: overwrites durable bytes. Readers see it where nothing unsynced lies over them.
  // REQUIRES: offset + bytes.size() <= durable_size().
  void Damage(uint64_t offset, std::string_view bytes);
  void FlipBit(uint64_t bit);  // The same with one bit. REQUIRES: bit < 8 * durable_size().

  uint64_t durable_size() const { return durable_.size(); }
  size_t unsynced_changes() const { return changes_.size(); }
  uint64_t unsynced_bytes() const { return unsynced_bytes_; }

  // Space that it takes, in blocks, as readers see it.
  uint64_t allocated_bytes() const { return current_.allocated_bytes(); }
  // See SparseBytes::Fitting.
  uint64_t Fitting(uint64_t offset, uint64_t bytes, uint64_t room) const {
    return current_.Fitting(offset, bytes, room);
  }

 private:
  struct Change {
    uint64_t number;
    uint64_t offset;  // Of a write.
    Buffer data;      // Of a write; empty for a truncation.
    bool is_truncate;
    uint64_t size_after;  // Of the file.
    bool changes_size;
    bool forgotten;

    uint64_t end() const { return offset + data.size(); }
  };

  void Add(Change change);
  void WriteBack();
  void CountBytes();
  void MakeDurable(uint64_t through, bool forgotten_too);
  void Mask(uint64_t offset, uint64_t end, uint64_t before);

  SparseBytes current_;
  SparseBytes durable_;
  std::vector<Change> changes_;  // Not durable, in order.
  uint64_t unsynced_bytes_ = 0;  // Of changes_.
  uint64_t last_change_ = 0;
};

}  // namespace orrery::sim
