// Codec of pages; the format is in page.h.
#include "storage/diskqueue/page.h"

#include "core/base/fixed.h"
#include "core/base/hash.h"

namespace orrery {

void SealPage(PageHeader& header, uint64_t queue_id, char* page) {
  PutFixed<uint64_t>(page + 8, queue_id);
  PutFixed<uint64_t>(page + 16, header.slot);
  PutFixed<uint64_t>(page + 24, header.sequence);
  PutFixed<uint64_t>(page + 32, header.incarnation);
  PutFixed<uint64_t>(page + 40, header.synced_sequence);
  PutFixed<uint64_t>(page + 48, header.synced_checksum);
  PutFixed<uint64_t>(page + 56, header.synced_slot);
  PutFixed<uint64_t>(page + 64, header.previous_checksum);
  PutFixed<uint64_t>(page + 72, header.previous_slot);
  PutFixed<uint64_t>(page + 80, header.begin);
  PutFixed<uint32_t>(page + 88, header.payload_bytes);
  PutFixed<uint16_t>(page + 92, static_cast<uint16_t>(header.kind));
  PutFixed<uint16_t>(page + 94, 0);
  header.checksum = HashBytes({page + 8, kPageBytes - 8});
  PutFixed<uint64_t>(page, header.checksum);
}

std::optional<PageHeader> DecodePage(std::string_view page, uint64_t queue_id, uint64_t slot) {
  if (page.size() != kPageBytes) return std::nullopt;
  const char* const at = page.data();
  PageHeader header;
  header.checksum = GetFixed<uint64_t>(at);
  header.slot = GetFixed<uint64_t>(at + 16);
  if (GetFixed<uint64_t>(at + 8) != queue_id || header.slot != slot) return std::nullopt;
  if (header.checksum != HashBytes(page.substr(8))) return std::nullopt;
  header.sequence = GetFixed<uint64_t>(at + 24);
  header.incarnation = GetFixed<uint64_t>(at + 32);
  header.synced_sequence = GetFixed<uint64_t>(at + 40);
  header.synced_checksum = GetFixed<uint64_t>(at + 48);
  header.synced_slot = GetFixed<uint64_t>(at + 56);
  header.previous_checksum = GetFixed<uint64_t>(at + 64);
  header.previous_slot = GetFixed<uint64_t>(at + 72);
  header.begin = GetFixed<uint64_t>(at + 80);
  header.payload_bytes = GetFixed<uint32_t>(at + 88);
  const uint16_t kind = GetFixed<uint16_t>(at + 92);
  if (header.payload_bytes > kPagePayloadBytes) return std::nullopt;
  if (kind != static_cast<uint16_t>(PageKind::kData) &&
      kind != static_cast<uint16_t>(PageKind::kCopy)) {
    return std::nullopt;
  }
  header.kind = static_cast<PageKind>(kind);
  return header;
}

}  // namespace orrery
