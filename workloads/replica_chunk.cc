// Decoding and comparing.
#include "workloads/replica_chunk.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

// Rows before `end`; all when there is no end.
size_t CountBefore(const ReplicaChunk& chunk, const std::optional<Key>& end) {
  size_t count = 0;
  while (count < chunk.rows.size() && (!end.has_value() || chunk.rows[count].first < *end)) ++count;
  return count;
}

std::string Show(std::string_view key) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : key) {
    if (c > ' ' && c <= '~') {
      text += c;
    } else {
      text += "\\x";
      text += kDigits[static_cast<unsigned char>(c) >> 4];
      text += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return text;
}

}  // namespace

bool DecodeRows(std::string_view attachment, std::vector<std::pair<Key, std::string>>& rows) {
  ByteReader reader(attachment);
  rows.clear();
  while (!reader.AtEnd()) {
    uint64_t key_bytes = 0;
    uint64_t value_bytes = 0;
    std::string_view key;
    std::string_view value;
    if (!reader.ReadVarint(key_bytes) || !reader.ReadVarint(value_bytes) ||
        !reader.ReadBytes(key_bytes, key) || !reader.ReadBytes(value_bytes, value)) {
      return false;
    }
    rows.emplace_back(Key(key), std::string(value));
  }
  return true;
}

absl::StatusOr<std::optional<Key>> CompareReplicas(const std::vector<ReplicaChunk>& chunks) {
  std::optional<Key> end;  // As far as all of them go.
  for (const ReplicaChunk& chunk : chunks) {
    if (!chunk.more) continue;
    if (chunk.rows.empty()) {
      return Violated("replica " + chunk.replica + " announces more rows and gives none");
    }
    Key after = KeyAfter(chunk.rows.back().first);
    if (!end.has_value() || after < *end) end = std::move(after);
  }
  const ReplicaChunk& first = chunks.front();
  const size_t rows = CountBefore(first, end);
  for (const ReplicaChunk& other : chunks) {
    const size_t count = CountBefore(other, end);
    const auto [a, b] =
        std::mismatch(first.rows.begin(), first.rows.begin() + static_cast<ptrdiff_t>(rows),
                      other.rows.begin(), other.rows.begin() + static_cast<ptrdiff_t>(count));
    const size_t same = static_cast<size_t>(a - first.rows.begin());
    if (same == rows && same == count) continue;
    const Key& at = same == rows    ? b->first
                    : same == count ? a->first
                                    : std::min(a->first, b->first);
    return Violated("replicas " + first.replica + " and " + other.replica + " differ from key " +
                    Show(at) + " on: " + std::to_string(rows) + " rows and " +
                    std::to_string(count));
  }
  return end;
}

}  // namespace orrery::workloads
