// Records: what a replica's log is made of, on disk and between replicas. Pure.
//
// A record is, little-endian: its kind (1 byte), the length of the command (4), two numbers (8
// each), the command.
//
//   vote   term, replica voted for      the replica is in this term; 0: it has not voted
//   entry  term, index, command         of this term at most; entries from this index on, if there
//   were any, are gone
//
// The last vote record and the entries that remain after all records were followed in order are the
// durable state of a replica.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace orrery::sim::replicated_log {

struct LogEntry {
  uint64_t term = 0;
  std::string command;  // Empty: the leader's first entry of its term, which does nothing.
};

// What a replica must not forget.
struct DurableState {
  uint64_t term = 0;
  uint32_t voted_for = 0;
  std::vector<LogEntry> entries;  // entries[i] has index i + 1.
};

// Bytes of a record without its command.
inline constexpr size_t kRecordBytes = 21;

void AppendVoteRecord(uint64_t term, uint32_t voted_for, std::string& out);
void AppendEntryRecord(uint64_t index, const LogEntry& entry, std::string& out);

// Follows `records` from `state` on. file_corrupt, with `state` in part changed, when they are
// malformed or do not continue it.
absl::Status FollowRecords(std::string_view records, DurableState& state);

// The entries in `records`, which must have indexes from `first_index` on without gaps.
// file_corrupt when they do not or are malformed.
absl::StatusOr<std::vector<LogEntry>> ParseEntries(std::string_view records, uint64_t first_index);

// Little-endian integers at the beginning of `bytes`. REQUIRES: there are as many.
uint32_t LoadU32(std::string_view bytes);
uint64_t LoadU64(std::string_view bytes);
void AppendU32(uint32_t value, std::string& out);
void AppendU64(uint64_t value, std::string& out);

}  // namespace orrery::sim::replicated_log
