// Codec of one operation of a batch; the format is in write_batch.h.
#include "storage/engine/write_batch.h"

#include "core/base/fixed.h"

namespace orrery {
namespace {

constexpr size_t kHeadBytes = 9;

}  // namespace

void WriteBatch::Append(char kind, std::string_view first, std::string_view second) {
  bytes_.push_back(kind);
  AppendFixed(bytes_, static_cast<uint32_t>(first.size()));
  AppendFixed(bytes_, static_cast<uint32_t>(second.size()));
  bytes_.append(first);
  bytes_.append(second);
}

bool WriteBatch::Next(std::string_view& bytes, Operation& operation) {
  if (bytes.size() < kHeadBytes) return false;
  operation.kind = bytes[0];
  if (operation.kind != kSet && operation.kind != kClear) return false;
  const uint64_t first = GetFixed<uint32_t>(bytes.data() + 1);
  const uint64_t second = GetFixed<uint32_t>(bytes.data() + 5);
  bytes.remove_prefix(kHeadBytes);
  if (first + second > bytes.size()) return false;
  operation.first = bytes.substr(0, first);
  operation.second = bytes.substr(first, second);
  bytes.remove_prefix(first + second);
  return true;
}

}  // namespace orrery
