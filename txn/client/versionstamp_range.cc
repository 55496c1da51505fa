// The least and the greatest stamp in place.
#include "txn/client/versionstamp_range.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "core/base/fixed.h"
#include "storage/log/atomic_operations.h"

namespace orrery {

KeyRange VersionstampRange(KeyRef key, Version read_version, KeyRef end) {
  const size_t size = key.size() - sizeof(uint32_t);
  const auto at = GetFixed<uint32_t>(key.data() + size);
  KeyRange range{Key(key.substr(0, size)), Key(key.substr(0, size))};
  range.begin.replace(at, kVersionstampBytes, MakeVersionstamp(read_version, 0));
  range.end.replace(at, kVersionstampBytes, std::string(kVersionstampBytes, '\xff'));
  range.end.push_back('\0');
  if (range.end > end) range.end = end;
  if (range.begin > range.end) range.begin = range.end;
  return range;
}

}  // namespace orrery
