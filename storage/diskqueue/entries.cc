// Packing entries into pages and reading them back; the format is in entries.h.
#include "storage/diskqueue/entries.h"

#include <algorithm>

#include "core/base/fixed.h"
#include "core/base/invariant.h"

namespace orrery {
namespace {

constexpr uint32_t kLengthBytes = 4;

}  // namespace

void EntryPacker::AddPage() {
  pages_.resize(pages_.size() + kPageBytes, '\0');
  payload_bytes_.push_back(0);
}

Location EntryPacker::Push(std::string_view entry, uint64_t first_sequence) {
  INVARIANT(entry.size() <= kQueueEntryBytesMax, entry.size());
  if (page_count() == 0 || kPagePayloadBytes - payload_bytes_.back() < kLengthBytes) AddPage();
  const Location location = LocationAt(first_sequence + page_count() - 1, payload_bytes_.back());
  const auto place = [this] {
    return pages_.data() + pages_.size() - kPagePayloadBytes + payload_bytes_.back();
  };
  PutFixed<uint32_t>(place(), static_cast<uint32_t>(entry.size()));
  payload_bytes_.back() += kLengthBytes;
  while (!entry.empty()) {
    if (payload_bytes_.back() == kPagePayloadBytes) AddPage();
    const size_t n = std::min<size_t>(entry.size(), kPagePayloadBytes - payload_bytes_.back());
    entry.copy(place(), n);
    payload_bytes_.back() += static_cast<uint32_t>(n);
    entry.remove_prefix(n);
  }
  return location;
}

absl::Status EntryReader::Feed(uint64_t sequence, std::string_view payload,
                               std::vector<QueueEntry>& out) {
  size_t at = 0;
  if (missing_ > 0) {
    at = std::min<size_t>(missing_, payload.size());
    partial_.append(payload.substr(0, at));
    missing_ -= static_cast<uint32_t>(at);
    if (missing_ > 0) return absl::OkStatus();
    out.push_back(
        {location_, LocationAt(sequence, static_cast<uint32_t>(at)), Buffer::Copy(partial_)});
    partial_.clear();
  } else if (SequenceOf(from_) == sequence) {
    at = OffsetOf(from_);
  }
  while (at + kLengthBytes <= payload.size()) {
    location_ = LocationAt(sequence, static_cast<uint32_t>(at));
    if (location_ >= to_) {
      done_ = true;
      return absl::OkStatus();
    }
    const uint32_t length = GetFixed<uint32_t>(payload.data() + at);
    if (length > kQueueEntryBytesMax) {
      return Error(ErrorCode::file_corrupt, "an entry at location " + std::to_string(location_) +
                                                " claims " + std::to_string(length) + " bytes");
    }
    at += kLengthBytes;
    const size_t here = std::min<size_t>(length, payload.size() - at);
    if (here < length) {
      partial_.assign(payload.substr(at, here));
      missing_ = length - static_cast<uint32_t>(here);
      return absl::OkStatus();
    }
    at += here;
    out.push_back({location_, LocationAt(sequence, static_cast<uint32_t>(at)),
                   Buffer::Copy(payload.substr(at - length, length))});
  }
  return absl::OkStatus();
}

}  // namespace orrery
