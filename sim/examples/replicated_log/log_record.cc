// Encoding and decoding of records.
#include "sim/examples/replicated_log/log_record.h"

namespace orrery::sim::replicated_log {
namespace {

enum RecordKind : char { kVote = 1, kEntry = 2 };

struct Record {
  char kind;
  uint64_t first;
  uint64_t second;
  std::string_view command;
};

void AppendRecord(const Record& record, std::string& out) {
  out += record.kind;
  AppendU32(static_cast<uint32_t>(record.command.size()), out);
  AppendU64(record.first, out);
  AppendU64(record.second, out);
  out += record.command;
}

absl::StatusOr<Record> TakeRecord(std::string_view& bytes) {
  if (bytes.size() < kRecordBytes) return Error(ErrorCode::file_corrupt, "a record is cut short");
  Record record{.kind = bytes[0],
                .first = LoadU64(bytes.substr(5)),
                .second = LoadU64(bytes.substr(13)),
                .command = {}};
  const size_t command_bytes = LoadU32(bytes.substr(1));
  bytes.remove_prefix(kRecordBytes);
  if (bytes.size() < command_bytes) return Error(ErrorCode::file_corrupt, "a command is cut short");
  record.command = bytes.substr(0, command_bytes);
  bytes.remove_prefix(command_bytes);
  return record;
}

template <class T>
T Load(std::string_view bytes) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= T{static_cast<uint8_t>(bytes[i])} << (8 * i);
  return value;
}

template <class T>
void Append(T value, std::string& out) {
  for (size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(value >> (8 * i));
}

}  // namespace

uint32_t LoadU32(std::string_view bytes) { return Load<uint32_t>(bytes); }
uint64_t LoadU64(std::string_view bytes) { return Load<uint64_t>(bytes); }
void AppendU32(uint32_t value, std::string& out) { Append(value, out); }
void AppendU64(uint64_t value, std::string& out) { Append(value, out); }

void AppendVoteRecord(uint64_t term, uint32_t voted_for, std::string& out) {
  AppendRecord({.kind = kVote, .first = term, .second = voted_for, .command = {}}, out);
}

void AppendEntryRecord(uint64_t index, const LogEntry& entry, std::string& out) {
  AppendRecord({.kind = kEntry, .first = entry.term, .second = index, .command = entry.command},
               out);
}

absl::Status FollowRecords(std::string_view records, DurableState& state) {
  while (!records.empty()) {
    ASSIGN_OR_RETURN(const Record record, TakeRecord(records));
    if (record.kind == kVote) {
      state.term = record.first;
      state.voted_for = static_cast<uint32_t>(record.second);
    } else if (record.kind == kEntry && record.second > 0 &&
               record.second <= state.entries.size() + 1 && record.first <= state.term) {
      state.entries.resize(record.second - 1);
      state.entries.push_back({record.first, std::string(record.command)});
    } else {
      return Error(ErrorCode::file_corrupt, "a record does not continue the log");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LogEntry>> ParseEntries(std::string_view records, uint64_t first_index) {
  std::vector<LogEntry> entries;
  while (!records.empty()) {
    ASSIGN_OR_RETURN(const Record record, TakeRecord(records));
    if (record.kind != kEntry || record.second != first_index + entries.size()) {
      return Error(ErrorCode::file_corrupt, "entries do not follow each other");
    }
    entries.push_back({record.first, std::string(record.command)});
  }
  return entries;
}

}  // namespace orrery::sim::replicated_log
