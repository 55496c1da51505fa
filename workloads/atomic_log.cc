// Replaying the log.
#include "workloads/atomic_log.h"

#include <optional>

#include "core/base/encoding.h"
#include "storage/log/atomic_operations.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

void Apply(const Mutation& operation, Rows& rows) {
  const auto row = rows.find(operation.key);
  std::optional<std::string_view> before;
  if (row != rows.end()) before = row->second;
  std::optional<std::string> after;
  if (operation.type == MutationType::kSet) {
    after = operation.value;
  } else if (operation.type != MutationType::kClearRange) {
    after = ApplyAtomic(operation.type, before, operation.value);
  }
  if (after.has_value()) {
    rows[operation.key] = *std::move(after);
  } else {
    rows.erase(operation.key);
  }
}

}  // namespace

std::string EncodeOperations(const std::vector<Mutation>& operations) {
  std::string bytes;
  for (const Mutation& operation : operations) {
    AppendFixed(bytes, static_cast<uint8_t>(operation.type));
    AppendPrefixed(bytes, operation.key);
    AppendPrefixed(bytes, operation.value);
  }
  return bytes;
}

bool DecodeOperations(std::string_view bytes, std::vector<Mutation>& operations) {
  ByteReader reader(bytes);
  operations.clear();
  while (!reader.AtEnd()) {
    uint8_t type = 0;
    std::string_view key;
    std::string_view operand;
    if (!reader.ReadFixed8(type) || !reader.ReadPrefixed(key) || !reader.ReadPrefixed(operand) ||
        !IsMutationType(type) || IsVersionstamped(static_cast<MutationType>(type))) {
      return false;
    }
    operations.push_back({static_cast<MutationType>(type), std::string(key), std::string(operand)});
  }
  return true;
}

absl::Status CheckAtomicLog(const Rows& log, const Rows& values,
                            const std::set<std::string>& acknowledged) {
  for (const std::string& stamp : acknowledged) {
    if (log.contains(stamp)) continue;
    return Violated("a transaction that was acknowledged is not in the log of operations");
  }
  Rows replayed;
  std::vector<Mutation> operations;
  for (const auto& [stamp, bytes] : log) {
    if (!DecodeOperations(bytes, operations)) {
      return Violated("a row of the log of operations does not decode");
    }
    for (const Mutation& operation : operations) Apply(operation, replayed);
  }
  for (const auto& [key, value] : replayed) {
    const auto row = values.find(key);
    if (row == values.end()) {
      return Violated(key + " should have " + std::to_string(value.size()) +
                      " bytes by the log of operations, and is not there");
    }
    if (row->second != value) {
      return Violated(key + " has another value than the log of operations gives it: " +
                      std::to_string(row->second.size()) + " bytes, and by the log " +
                      std::to_string(value.size()));
    }
  }
  if (values.size() == replayed.size()) return absl::OkStatus();
  return Violated(std::to_string(values.size()) + " rows, and " + std::to_string(replayed.size()) +
                  " by the log of operations");
}

}  // namespace orrery::workloads
