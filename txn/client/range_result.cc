// Copies of rows.
#include "txn/client/range_result.h"

#include <cstring>

namespace orrery {

std::vector<KeyValue> RangeRows::Copy() const {
  std::vector<KeyValue> copy;
  copy.reserve(rows_.size());
  for (const KeyValueRef& row : rows_) copy.emplace_back(row);
  return copy;
}

void RangeRows::AddCopy(KeyRef key, std::string_view value) {
  MutableBuffer bytes(key.size() + value.size());
  if (!key.empty()) std::memcpy(bytes.data(), key.data(), key.size());
  if (!value.empty()) std::memcpy(bytes.data() + key.size(), value.data(), value.size());
  Keep(std::move(bytes).Freeze(key.size() + value.size()));
  const std::string_view all = buffers_.back().view();
  Add({all.substr(0, key.size()), all.substr(key.size())});
}

}  // namespace orrery
