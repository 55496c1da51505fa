// See the head of disk_queue.h for why this is right.
#include "storage/diskqueue/recover_pages.h"

#include <algorithm>

namespace orrery {
namespace {

// Pages sorted by sequence.
class PageIndex {
 public:
  explicit PageIndex(std::vector<PageHeader> pages) : pages_(std::move(pages)) {
    std::sort(pages_.begin(), pages_.end(), [](const PageHeader& a, const PageHeader& b) {
      return a.sequence != b.sequence ? a.sequence < b.sequence : a.slot < b.slot;
    });
  }

  // The page of `sequence` that `matches`, or nullptr.
  template <class Predicate>
  const PageHeader* Find(uint64_t sequence, Predicate matches) const {
    auto at =
        std::lower_bound(pages_.begin(), pages_.end(), sequence,
                         [](const PageHeader& page, uint64_t s) { return page.sequence < s; });
    for (; at != pages_.end() && at->sequence == sequence; ++at) {
      if (matches(*at)) return &*at;
    }
    return nullptr;
  }

  const std::vector<PageHeader>& pages() const { return pages_; }

 private:
  std::vector<PageHeader> pages_;
};

absl::Status Missing(const std::string& path, uint64_t sequence, uint64_t slot, uint64_t synced) {
  return Error(ErrorCode::file_corrupt, path + ": page " + std::to_string(sequence) +
                                            " at offset " + std::to_string(slot * kPageBytes) +
                                            " was synced and is damaged or lost (pages" +
                                            " up to " + std::to_string(synced) + " were synced)");
}

}  // namespace

absl::StatusOr<RecoveredPages> RecoverPages(std::vector<PageHeader> valid,
                                            const std::string& path) {
  const PageIndex index(std::move(valid));
  RecoveredPages out;
  uint64_t incarnation = 0;  // The last that was established.
  for (const PageHeader& page : index.pages()) {
    out.incarnation_max = std::max(out.incarnation_max, page.incarnation);
    if (page.kind == PageKind::kData) incarnation = std::max(incarnation, page.incarnation);
  }
  if (incarnation == 0) {
    return Error(ErrorCode::file_corrupt, path + ": no page of the queue is readable");
  }
  for (const PageHeader& page : index.pages()) {
    if (page.kind != PageKind::kData || page.incarnation != incarnation) continue;
    out.begin = std::max(out.begin, page.begin);
    if (page.synced_sequence >= out.synced_sequence) {
      out.synced_sequence = page.synced_sequence;
      out.synced_checksum = page.synced_checksum;
      out.synced_slot = page.synced_slot;
    }
  }

  // Downwards from D each page names the one before by checksum and slot. Beyond `begin` down to
  // the begin that page D states: what was freed, if at all, by a begin that need not be durable.
  uint64_t checksum = out.synced_checksum;
  uint64_t slot = out.synced_slot;
  uint64_t first = std::min(SequenceOf(out.begin), out.synced_sequence);
  for (uint64_t s = out.synced_sequence; s > 0 && s >= first; --s) {
    const PageHeader* const page = index.Find(
        s, [&](const PageHeader& p) { return p.checksum == checksum && p.slot == slot; });
    if (page == nullptr && s < SequenceOf(out.begin)) break;
    if (page == nullptr) return Missing(path, s, slot, out.synced_sequence);
    if (s == out.synced_sequence) first = std::min(first, SequenceOf(page->begin));
    (s >= SequenceOf(out.begin) ? out.synced : out.freed).push_back(*page);
    checksum = page->previous_checksum;
    slot = page->previous_slot;
  }
  std::reverse(out.synced.begin(), out.synced.end());

  // Upwards, as far as each page names the one before.
  checksum = out.synced_checksum;
  for (uint64_t s = out.synced_sequence + 1;; ++s) {
    const PageHeader* const page = index.Find(s, [&](const PageHeader& p) {
      return p.previous_checksum == checksum && p.incarnation == incarnation &&
             p.kind == PageKind::kData;
    });
    if (page == nullptr) break;
    out.tail.push_back(*page);
    checksum = page->checksum;
  }
  return out;
}

}  // namespace orrery
