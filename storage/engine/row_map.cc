// Changes of a RowMap: each row is one allocation, replaced whole.
#include "storage/engine/row_map.h"

namespace orrery {

RowMap::Row::Row(KeyRef key, std::string_view value)
    : high_(static_cast<uint64_t>(HeadOf(key) >> 64)),
      low_(static_cast<uint64_t>(HeadOf(key))),
      body_(new char[8 + key.size() + value.size()]) {
  const uint32_t lengths[2] = {static_cast<uint32_t>(key.size()),
                               static_cast<uint32_t>(value.size())};
  std::memcpy(body_.get(), lengths, sizeof(lengths));
  key.copy(body_.get() + 8, key.size());
  value.copy(body_.get() + 8 + key.size(), value.size());
}

void RowMap::Set(KeyRef key, std::string_view value) {
  auto at = rows_.lower_bound(Probe(key));
  Row row(key, value);
  bytes_ += key.size() + value.size();
  if (at == rows_.end() || at->key() != key) {
    rows_.insert(at, std::move(row));
    return;
  }
  bytes_ -= key.size() + at->value().size();
  // The set's elements are const because of their keys, and the key stays the same.
  const_cast<Row&>(*at) = std::move(row);
}

void RowMap::Clear(KeyRangeRef range) {
  if (range.empty()) return;
  const auto begin = rows_.lower_bound(Probe(range.begin));
  const auto end = rows_.lower_bound(Probe(range.end));
  for (auto at = begin; at != end; ++at) bytes_ -= at->key().size() + at->value().size();
  rows_.erase(begin, end);
}

std::optional<std::string_view> RowMap::Find(KeyRef key) const {
  const auto at = rows_.lower_bound(Probe(key));
  if (at == rows_.end() || at->key() != key) return std::nullopt;
  return at->value();
}

}  // namespace orrery
