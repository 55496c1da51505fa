// Which bytes survive: see file_image.h.
#include "sim/disk/file_image.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/hash.h"
#include "core/base/invariant.h"

namespace orrery::sim {

void FileImage::Add(Change change) {
  unsynced_bytes_ += change.data.size();
  changes_.push_back(std::move(change));
  if (changes_.size() > kUnsyncedChangesMax || unsynced_bytes_ > kUnsyncedBytesMax) WriteBack();
}

// Down to a half of each limit.
void FileImage::WriteBack() {
  uint64_t bytes = unsynced_bytes_;
  size_t count = 0;
  while (changes_.size() - count > kUnsyncedChangesMax / 2 || bytes > kUnsyncedBytesMax / 2) {
    bytes -= changes_[count++].data.size();
  }
  MakeDurable(changes_[count - 1].number, /*forgotten_too=*/true);
}

void FileImage::CountBytes() {
  unsynced_bytes_ = 0;
  for (const Change& change : changes_) unsynced_bytes_ += change.data.size();
}

void FileImage::Write(uint64_t offset, Buffer data) {
  if (data.empty()) return;
  const uint64_t old_size = current_.size();
  current_.Write(offset, data.view());
  Add({.number = ++last_change_,
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
  Add({.number = ++last_change_,
       .offset = 0,
       .data = {},
       .is_truncate = true,
       .size_after = size,
       .changes_size = size != old_size,
       .forgotten = false});
}

void FileImage::WriteDurable(uint64_t offset, Buffer data) {
  if (data.empty()) return;
  // A truncation that is not durable must not be overtaken: it would cut the durable range.
  const auto truncation = std::find_if(changes_.rbegin(), changes_.rend(),
                                       [](const Change& change) { return change.is_truncate; });
  if (truncation != changes_.rend()) Sync(truncation->number);
  SparseBytes::WriteBoth(current_, durable_, offset, data.view());
  Mask(offset, offset + data.size(), ++last_change_);
}

// Takes the bytes of a range out of changes older than `before`: what is durable there is newer.
void FileImage::Mask(uint64_t offset, uint64_t end, uint64_t before) {
  const auto overlaps = [=](const Change& change) {
    return !change.is_truncate && change.number < before && change.end() > offset &&
           change.offset < end;
  };
  const auto past =
      std::partition_point(changes_.begin(), changes_.end(),
                           [=](const Change& change) { return change.number < before; });
  if (std::none_of(changes_.begin(), past, overlaps)) return;
  std::vector<Change> kept;
  kept.reserve(changes_.size() + 1);
  for (Change& change : changes_) {
    if (!overlaps(change)) {
      kept.push_back(std::move(change));
      continue;
    }
    const bool has_tail = change.end() > end;
    if (change.offset < offset) {
      Change head = change;
      head.data = change.data.Slice(0, offset - change.offset);
      head.changes_size = change.changes_size && !has_tail;
      kept.push_back(std::move(head));
    }
    if (has_tail) {
      Change tail = change;
      tail.data = change.data.Slice(end - change.offset, change.end() - end);
      tail.offset = end;
      kept.push_back(std::move(tail));
    }
  }
  changes_ = std::move(kept);
  CountBytes();
}

void FileImage::Sync(uint64_t through) { MakeDurable(through, /*forgotten_too=*/false); }

void FileImage::MakeDurable(uint64_t through, bool forgotten_too) {
  const auto included = [=](const Change& change) {
    return change.number <= through && (!change.forgotten || change.is_truncate || forgotten_too);
  };
  if (std::all_of(changes_.begin(), changes_.end(), included)) {
    if (std::any_of(changes_.begin(), changes_.end(),
                    [](const Change& change) { return change.is_truncate; })) {
      durable_ = current_;
    } else {
      for (const Change& change : changes_) {
        durable_.ShareRange(current_, change.offset, change.data.size());
      }
      durable_.Resize(current_.size());
    }
    changes_.clear();
    unsynced_bytes_ = 0;
    return;
  }
  std::vector<Change> syncing;
  std::vector<Change> rest;
  for (Change& change : changes_) (included(change) ? syncing : rest).push_back(std::move(change));
  changes_ = std::move(rest);
  CountBytes();
  for (const Change& change : syncing) {
    if (!change.is_truncate) {
      durable_.Write(change.offset, change.data.view());
      Mask(change.offset, change.end(), change.number);
      continue;
    }
    durable_.Resize(change.size_after);
    Mask(change.size_after, std::numeric_limits<uint64_t>::max(), change.number);
    for (Change& older : changes_) {
      if (older.number < change.number) older.changes_size = false;
    }
  }
}

void FileImage::Forget(uint64_t through) {
  for (Change& change : changes_) {
    if (change.number <= through) change.forgotten = true;
  }
}

bool FileImage::IsDirty(uint64_t through) const {
  return std::any_of(changes_.begin(), changes_.end(), [=](const Change& change) {
    return change.number <= through && (!change.forgotten || change.is_truncate);
  });
}

uint64_t FileImage::LosePower(CrashDraw& draw) {
  if (changes_.empty()) return 0;
  draw.Begin(changes_.size());
  const uint64_t sizes_surviving = draw.SizesSurviving();
  uint64_t survived = HashWords(changes_.size(), sizes_surviving);
  uint64_t size = durable_.size();
  uint64_t bytes_end = 0;
  for (uint64_t i = 0; i < changes_.size(); ++i) {
    const Change& change = changes_[i];
    if (change.changes_size && i < sizes_surviving) {
      // A later durable write may have made it longer than a write before knew.
      size = change.is_truncate ? change.size_after : std::max(size, change.size_after);
      if (change.is_truncate) {
        durable_.Resize(size);
        bytes_end = std::min(bytes_end, size);
      }
    }
    if (change.is_truncate) continue;
    const std::string_view data = change.data.view();
    const uint64_t first = change.offset / kSectorBytes;
    const uint64_t sectors = (change.end() - 1) / kSectorBytes + 1 - first;
    for (uint64_t sector = 0; sector < sectors; ++sector) {
      if (!draw.SectorSurvives(i, sector, sectors)) continue;
      const uint64_t begin = std::max(change.offset, (first + sector) * kSectorBytes);
      const uint64_t end = std::min(change.end(), (first + sector + 1) * kSectorBytes);
      durable_.Write(begin, data.substr(begin - change.offset, end - begin));
      bytes_end = std::max(bytes_end, end);
      survived = HashWords(survived, i, sector);
    }
  }
  if (draw.SizeFollowsBytes()) size = std::max(size, bytes_end);
  durable_.Resize(size);
  current_ = durable_;
  changes_.clear();
  unsynced_bytes_ = 0;
  return HashWords(survived, size);
}

void FileImage::Damage(uint64_t offset, std::string_view bytes) {
  INVARIANT(offset + bytes.size() <= durable_.size(), offset, bytes.size(), durable_.size());
  if (changes_.empty()) {
    SparseBytes::WriteBoth(current_, durable_, offset, bytes);
    return;
  }
  durable_.Write(offset, bytes);
  uint64_t readable = current_.size();  // Below all that a truncation cut and made anew.
  for (const Change& change : changes_) {
    if (change.is_truncate) readable = std::min(readable, change.size_after);
  }
  for (uint64_t at = offset; at < std::min(offset + bytes.size(), readable); ++at) {
    const bool overwritten =
        std::any_of(changes_.begin(), changes_.end(), [at](const Change& change) {
          return !change.is_truncate && change.offset <= at && at < change.end();
        });
    if (!overwritten) current_.Write(at, bytes.substr(at - offset, 1));
  }
}

void FileImage::FlipBit(uint64_t bit) {
  char byte;
  durable_.Read(bit / 8, 1, &byte);
  byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  Damage(bit / 8, {&byte, 1});
}

}  // namespace orrery::sim
