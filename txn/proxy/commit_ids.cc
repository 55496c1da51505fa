// Keys and rows of ids.
#include "txn/proxy/commit_ids.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/base/invariant.h"

namespace orrery {
namespace {

constexpr size_t kOrderBytes = 2;
constexpr size_t kEntryBytes = kAttemptIdBytes + kOrderBytes;
// Of one row: a value that holds so many is within its limit.
constexpr size_t kEntriesMax = kValueBytesMax / kEntryBytes;

Key RowKey(Version version, uint16_t part) {
  Key key(kCommittedPrefix);
  AppendOrdered64(key, static_cast<uint64_t>(version));
  AppendOrdered16(key, part);
  return key;
}

}  // namespace

KeyRange AttemptRange(std::string_view id) {
  Key key = std::string(kAttemptPrefix) + std::string(id);
  Key after = KeyAfter(key);
  return {std::move(key), std::move(after)};
}

std::vector<Mutation> CommittedRows(Version version,
                                    const std::vector<std::pair<std::string, uint16_t>>& ids) {
  std::vector<Mutation> rows;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i % kEntriesMax == 0) {
      rows.push_back({MutationType::kSet, RowKey(version, static_cast<uint16_t>(rows.size())), {}});
    }
    INVARIANT(ids[i].first.size() == kAttemptIdBytes, ids[i].first.size());
    rows.back().value += ids[i].first;
    AppendOrdered16(rows.back().value, ids[i].second);
  }
  return rows;
}

KeyRange CommittedRange(Version after, Version through) {
  return {RowKey(after + 1, 0), RowKey(through + 1, 0)};
}

std::optional<std::pair<Version, uint16_t>> FindInCommittedRow(KeyRef key, std::string_view value,
                                                               std::string_view id) {
  if (!key.starts_with(kCommittedPrefix)) return std::nullopt;
  ByteReader name(key.substr(kCommittedPrefix.size()));
  uint64_t version = 0;
  if (!name.ReadOrdered64(version)) return std::nullopt;
  ByteReader entries(value);
  std::string_view entry_id;
  uint16_t order = 0;
  while (entries.ReadBytes(kAttemptIdBytes, entry_id) && entries.ReadOrdered16(order)) {
    if (entry_id == id) return std::pair(static_cast<Version>(version), order);
  }
  return std::nullopt;
}

}  // namespace orrery
