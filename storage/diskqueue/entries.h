// Entries in the payloads of pages. An entry is a length (4 bytes) and its bytes. The length lies
// in one page; the bytes go on in the next pages. Less than 4 bytes left in a page are not used. A
// group of pages that is written together begins with an entry and ends with one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/buffer.h"
#include "core/base/status.h"
#include "storage/diskqueue/page.h"

namespace orrery {

inline constexpr uint32_t kQueueEntryBytesMax = 64 << 20;

struct QueueEntry {
  Location location;
  Location end;  // Just after it: at most the location of the next entry.
  Buffer bytes;
};

// Pages being filled with entries, without their headers' content.
class EntryPacker {
 public:
  // How many pages at most `bytes` of entry add.
  static uint64_t PagesFor(uint64_t bytes) { return bytes / (kPagePayloadBytes - 4) + 2; }

  // Adds an entry; `first_sequence` is the sequence that the first page here will have.
  Location Push(std::string_view entry, uint64_t first_sequence);

  // Adds a page without entries. REQUIRES: no page is here.
  void AddEmptyPage() { AddPage(); }

  uint64_t page_count() const { return payload_bytes_.size(); }
  const std::string& pages() const { return pages_; }
  const std::vector<uint32_t>& payload_bytes() const { return payload_bytes_; }

 private:
  void AddPage();

  std::string pages_;  // Whole pages, headers zero.
  std::vector<uint32_t> payload_bytes_;
};

// Takes payloads of consecutive pages and gives the entries that begin in [from, to).
class EntryReader {
 public:
  // REQUIRES: an entry begins at `from`, or a group of pages begins at it.
  EntryReader(Location from, Location to) : from_(from), to_(to) {}

  // The next page. Appends the entries that end in it. file_corrupt when a length cannot be.
  absl::Status Feed(uint64_t sequence, std::string_view payload, std::vector<QueueEntry>& out);

  // No entry that is wanted begins later.
  bool done() const { return done_; }
  // Between entries.
  bool at_boundary() const { return missing_ == 0; }

 private:
  const Location from_;
  const Location to_;
  bool done_ = false;
  Location location_ = 0;  // Of the entry under way.
  uint32_t missing_ = 0;   // Bytes of it in pages to come.
  std::string partial_;
};

}  // namespace orrery
