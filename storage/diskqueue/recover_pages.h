// Which of the pages found in a queue's file are the queue. Pure: no file, no Env.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "storage/diskqueue/page.h"

namespace orrery {

struct RecoveredPages {
  uint64_t incarnation_max = 0;  // Of any valid page, in the queue or not.
  Location begin = 0;            // Entries before it were popped.
  uint64_t synced_sequence = 0;  // D.
  uint64_t synced_checksum = 0;  // Of page D, which is gone when everything up to it was popped.
  uint64_t synced_slot = 0;
  std::vector<PageHeader> synced;  // Pages of [SequenceOf(begin), D], in order.
  std::vector<PageHeader> tail;    // Pages above D up to the first hole, in order.
  // Pages below `begin` that must stay until it is durable: a page above D may be all that states
  // it, and if that is lost they are the queue's again.
  std::vector<PageHeader> freed;
};

// `valid`: every page that decodes, in any order. `path` is for messages. file_corrupt: a page that
// was synced is missing or not the one that was synced; the message says which and where it was.
absl::StatusOr<RecoveredPages> RecoverPages(std::vector<PageHeader> valid, const std::string& path);

}  // namespace orrery
