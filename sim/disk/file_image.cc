// Which bytes survive: see file_image.h.
#include "sim/disk/file_image.h"

#include <algorithm>
#include <utility>

namespace orrery::sim {

void FileImage::Apply(SparseBytes& bytes, const Change& change) const {
  if (change.is_truncate) {
    bytes.Resize(change.size_after);
  } else {
    bytes.Write(change.offset, change.data.view());
  }
}

void FileImage::Write(uint64_t offset, Buffer data) {
  const uint64_t old_size = current_.size();
  current_.Write(offset, data.view());
  changes_.push_back({.number = ++last_change_,
                      .offset = offset,
                      .data = std::move(data),
                      .is_truncate = false,
                      .size_after = current_.size(),
                      .changes_size = current_.size() != old_size,
                      .forgotten = false});
}

void FileImage::Truncate(uint64_t size) {
  const uint64_t old_size = current_.size();
  current_.Resize(size);
  changes_.push_back({.number = ++last_change_,
                      .offset = 0,
                      .data = {},
                      .is_truncate = true,
                      .size_after = size,
                      .changes_size = size != old_size,
                      .forgotten = false});
}

void FileImage::WriteDurable(uint64_t offset, Buffer data) {
  // A truncation that is not durable must not be overtaken: it would cut the durable range.
  for (const Change& change : changes_) {
    if (change.is_truncate) {
      Sync(last_change_);
      break;
    }
  }
  current_.Write(offset, data.view());
  durable_.Write(offset, data.view());
  Mask(offset, data.size(), ++last_change_);
}

// Takes the bytes of a range out of older changes: what is durable there is newer than they are.
void FileImage::Mask(uint64_t offset, uint64_t bytes, uint64_t before) {
  const uint64_t end = offset + bytes;
  std::vector<Change> kept;
  kept.reserve(changes_.size());
  for (Change& change : changes_) {
    const uint64_t change_end = change.offset + change.data.size();
    if (change.is_truncate || change.number >= before || change_end <= offset ||
        change.offset >= end) {
      kept.push_back(std::move(change));
      continue;
    }
    if (change.offset < offset) {
      Change head = change;
      head.data = change.data.Slice(0, offset - change.offset);
      kept.push_back(std::move(head));
    }
    if (change_end > end) {
      Change tail = change;
      tail.data = change.data.Slice(end - change.offset, change_end - end);
      tail.offset = end;
      kept.push_back(std::move(tail));
    }
  }
  changes_ = std::move(kept);
}

void FileImage::Sync(uint64_t through) {
  const bool all = std::all_of(changes_.begin(), changes_.end(), [through](const Change& change) {
    return change.number <= through && !change.forgotten;
  });
  if (all) {
    durable_ = current_;
    changes_.clear();
    return;
  }
  std::vector<Change> syncing;
  std::vector<Change> rest;
  for (Change& change : changes_) {
    (change.number <= through && !change.forgotten ? syncing : rest).push_back(std::move(change));
  }
  changes_ = std::move(rest);
  for (const Change& change : syncing) {
    Apply(durable_, change);
    if (!change.is_truncate) Mask(change.offset, change.data.size(), change.number);
  }
}

void FileImage::Forget(uint64_t through) {
  for (Change& change : changes_) {
    if (change.number <= through) change.forgotten = true;
  }
}

void FileImage::LosePower(CrashDraw& draw) {
  uint64_t size_changes = 0;
  for (const Change& change : changes_) size_changes += change.changes_size ? 1 : 0;
  const uint64_t surviving = size_changes > 0 ? draw.SizeChangesSurviving(size_changes) : 0;
  uint64_t size = durable_.size();
  uint64_t seen = 0;
  for (const Change& change : changes_) {
    if (change.changes_size && ++seen <= surviving) {
      // A later durable write may have made it longer than a write before knew.
      size = change.is_truncate ? change.size_after : std::max(size, change.size_after);
      if (change.is_truncate) durable_.Resize(size);
    }
    if (change.is_truncate) continue;
    const std::string_view data = change.data.view();
    for (uint64_t at = 0; at < data.size();) {
      const uint64_t sector = (change.offset + at) / kSectorBytes;
      const uint64_t next =
          std::min<uint64_t>(data.size(), (sector + 1) * kSectorBytes - change.offset);
      if (draw.SectorSurvives(change.number, sector)) {
        durable_.Write(change.offset + at, data.substr(at, next - at));
      }
      at = next;
    }
  }
  durable_.Resize(size);
  current_ = durable_;
  changes_.clear();
}

void FileImage::FlipBit(uint64_t bit) {
  for (SparseBytes* bytes : {&durable_, &current_}) {
    if (bit / 8 >= bytes->size()) continue;
    char byte;
    bytes->Read(bit / 8, 1, &byte);
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    bytes->Write(bit / 8, {&byte, 1});
  }
}

}  // namespace orrery::sim
