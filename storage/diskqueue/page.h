// One page of a disk queue: 4096 bytes, written once, never changed in place.
//
//   offset  bytes  what
//        0      8  XXH3 of the 4088 bytes after it
//        8      8  queue id: of this queue's file, drawn when it was created
//       16      8  slot: where in the file this page lies, in pages
//       24      8  sequence: its place in the queue; pages follow each other without a gap
//       32      8  incarnation: of the opening that wrote it
//       40      8  synced sequence D: every page up to it was durable when this one was written
//       48      8  checksum of page D
//       56      8  slot of page D
//       64      8  checksum of the page before
//       72      8  slot of the page before
//       80      8  begin: entries before this location were popped when this page was written
//       88      4  bytes of payload in use
//       92      2  kind (PageKind)
//       94      2  zeros
//       96   4000  payload; zeros beyond the bytes in use
//
// Every bit of a page is under the checksum, so a page decodes if and only if its 4096 bytes are
// those that were written, for this queue, at this slot.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace orrery {

inline constexpr uint32_t kPageBytes = 4096;
inline constexpr uint32_t kPageHeaderBytes = 96;
inline constexpr uint32_t kPagePayloadBytes = kPageBytes - kPageHeaderBytes;

// A place in the queue's stream of bytes: sequence of the page times its payload, plus the offset
// in the payload. Later entries have greater locations; differences are no byte counts.
using Location = uint64_t;

constexpr Location LocationAt(uint64_t sequence, uint32_t offset) {
  return sequence * kPagePayloadBytes + offset;
}
constexpr uint64_t SequenceOf(Location location) { return location / kPagePayloadBytes; }
constexpr uint32_t OffsetOf(Location location) {
  return static_cast<uint32_t>(location % kPagePayloadBytes);
}

enum class PageKind : uint16_t {
  kData = 1,
  kCopy = 2,  // Made while the queue was opened, of a page above D: counts once a kData page of its
              // incarnation exists.
};

struct PageHeader {
  uint64_t checksum = 0;
  uint64_t slot = 0;
  uint64_t sequence = 0;
  uint64_t incarnation = 0;
  uint64_t synced_sequence = 0;
  uint64_t synced_checksum = 0;
  uint64_t synced_slot = 0;
  uint64_t previous_checksum = 0;
  uint64_t previous_slot = 0;
  Location begin = 0;
  uint32_t payload_bytes = 0;
  PageKind kind = PageKind::kData;

  friend bool operator==(const PageHeader&, const PageHeader&) = default;
};

// Writes the header before a payload that is in place at `page` + kPageHeaderBytes, with zeros to
// the end of the page, and sets header.checksum.
void SealPage(PageHeader& header, uint64_t queue_id, char* page);

// Nothing when these are not the bytes of a page of this queue at this slot.
std::optional<PageHeader> DecodePage(std::string_view page, uint64_t queue_id, uint64_t slot);

}  // namespace orrery
