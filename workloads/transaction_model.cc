// The rules of reading and writing.
#include "workloads/transaction_model.h"

#include <algorithm>
#include <iterator>

#include "core/base/encoding.h"
#include "storage/log/atomic_operations.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

constexpr int32_t kExact = 0;  // StreamingMode::kExact.

// Bytes for people: the ends of long ones.
std::string Show(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  constexpr size_t kShown = 48;
  std::string text = "\"";
  for (const char c : bytes.substr(0, kShown)) {
    if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
      text += c;
    } else {
      text += "\\x";
      text += kDigits[static_cast<unsigned char>(c) >> 4];
      text += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  text += '"';
  if (bytes.size() > kShown) text += "... of " + std::to_string(bytes.size()) + " bytes";
  return text;
}

std::string ShowValue(const std::optional<std::string>& value) {
  return value.has_value() ? Show(std::string_view(*value)) : "nothing";
}

std::string Show(const Operation::Selector& selector) {
  return "(" + Show(selector.key) + (selector.or_equal ? " or equal " : " ") +
         std::to_string(selector.offset) + ")";
}

void ApplyMutation(const MutationRef& mutation, Rows& rows) {
  if (mutation.type == MutationType::kClearRange) {
    rows.erase(rows.lower_bound(mutation.key), rows.lower_bound(mutation.value));
    return;
  }
  std::optional<std::string> after(mutation.value);
  if (IsReadModifyWrite(mutation.type)) {
    const auto row = rows.find(mutation.key);
    std::optional<std::string_view> before;
    if (row != rows.end()) before = row->second;
    after = ApplyAtomic(mutation.type, before, mutation.value);
  }
  if (after.has_value()) {
    rows[std::string(mutation.key)] = *std::move(after);
  } else if (const auto row = rows.find(mutation.key); row != rows.end()) {
    rows.erase(row);
  }
}

}  // namespace

std::string Describe(const Operation& operation) {
  const std::string how = operation.snapshot ? " as a snapshot" : "";
  const std::string limits =
      " rows " + std::to_string(operation.rows) + " bytes " + std::to_string(operation.bytes) +
      " mode " + std::to_string(operation.mode) + (operation.reverse ? " reverse" : "") + how;
  const std::string range =
      "[" + Show(operation.range.begin) + ", " + Show(operation.range.end) + ")";
  switch (operation.kind) {
    case Operation::kGet:
      return "get " + Show(operation.key) + how;
    case Operation::kGetKey:
      return "get key " + Show(operation.begin) + how;
    case Operation::kGetRange:
      return "get range " + range + limits;
    case Operation::kGetSelectedRange:
      return "get range " + Show(operation.begin) + " to " + Show(operation.end) + limits;
    case Operation::kSet:
      return "set " + Show(operation.key) + " = " + Show(operation.value);
    case Operation::kClear:
      return "clear " + Show(operation.key);
    case Operation::kClearRange:
      return "clear " + range;
    case Operation::kAtomic:
      return "atomic " + std::to_string(static_cast<int>(operation.type)) + " of " +
             Show(operation.key) + " with " + Show(operation.value);
    case Operation::kReadConflict:
      return "read conflict " + range;
    case Operation::kWriteConflict:
      return "write conflict " + range;
    case Operation::kSetReadVersion:
      return "set read version " + std::to_string(operation.version);
  }
}

std::optional<Key> TransactionModel::Resolve(const Operation::Selector& selector,
                                             bool snapshot) const {
  const Rows& rows = Seen(snapshot);
  auto at = selector.or_equal ? rows.upper_bound(selector.key) : rows.lower_bound(selector.key);
  // `at` is offset 1.
  int64_t steps = int64_t{selector.offset} - 1;
  for (; steps > 0 && at != rows.end(); --steps) ++at;
  for (; steps < 0 && at != rows.begin(); ++steps) --at;
  if (steps != 0 || at == rows.end()) return std::nullopt;
  if (at->first < space_.begin || at->first >= space_.end) return std::nullopt;
  return at->first;
}

absl::Status TransactionModel::CheckAndApply(const Operation& operation, const Answer& answer) {
  if (operation.refused != ErrorCode::ok) {
    if (CodeOf(answer.status) == operation.refused) return absl::OkStatus();
    return Violated(Describe(operation) + " should be refused with " +
                    std::string(InfoOf(operation.refused).name) + ", and gave " +
                    orrery::Describe(answer.status));
  }
  RETURN_IF_ERROR(CheckRead(operation, answer));
  Apply(operation);
  return absl::OkStatus();
}

absl::Status TransactionModel::CheckRead(const Operation& operation, const Answer& answer) const {
  if (operation.kind == Operation::kGetRange || operation.kind == Operation::kGetSelectedRange) {
    KeyRange range = operation.range;
    if (operation.kind == Operation::kGetSelectedRange) {
      range.begin = Resolve(operation.begin, operation.snapshot).value_or(space_.end);
      range.end = Resolve(operation.end, operation.snapshot).value_or(space_.end);
    }
    return CheckRows(operation, range, answer);
  }
  const bool unreadable = operation.kind == Operation::kGet && SeesOwn(operation.snapshot) &&
                          unreadable_.contains(operation.key);
  if (unreadable) {
    if (CodeOf(answer.status) == ErrorCode::accessed_unreadable) return absl::OkStatus();
    return Violated(
        Describe(operation) + " has no value before the commit, and gave " +
        (answer.status.ok() ? ShowValue(answer.value) : orrery::Describe(answer.status)));
  }
  if (!answer.status.ok()) {
    return Violated(Describe(operation) + " failed with " + orrery::Describe(answer.status));
  }
  if (operation.kind == Operation::kGet) {
    const Rows& rows = Seen(operation.snapshot);
    const auto row = rows.find(operation.key);
    std::optional<std::string> expected;
    if (row != rows.end()) expected = row->second;
    if (answer.value != expected) {
      return Violated(Describe(operation) + " should give " + ShowValue(expected) + ", and gave " +
                      ShowValue(answer.value));
    }
  }
  if (operation.kind == Operation::kGetKey) {
    const std::optional<Key> expected = Resolve(operation.begin, operation.snapshot);
    const bool out = answer.key < space_.begin || answer.key >= space_.end;
    if (expected.has_value() ? answer.key != *expected : !out) {
      return Violated(Describe(operation) + " should give " +
                      (expected.has_value() ? Show(*expected) : "no key of the space") +
                      ", and gave " + Show(answer.key));
    }
  }
  return absl::OkStatus();
}

// Rows must be the first ones expected, or all, as limits and `more` tell.
absl::Status TransactionModel::CheckRows(const Operation& operation, const KeyRange& range,
                                         const Answer& answer) const {
  const std::string name = Describe(operation);
  const Rows& rows = Seen(operation.snapshot);
  std::vector<std::pair<Key, std::string>> expected;
  if (range.begin < range.end) {
    expected.assign(rows.lower_bound(range.begin), rows.lower_bound(range.end));
  }
  if (operation.reverse) std::reverse(expected.begin(), expected.end());
  size_t readable = expected.size();  // Rows before the first key that cannot be read.
  bool unreadable = false;
  if (SeesOwn(operation.snapshot)) {
    for (const Key& key : unreadable_) {
      if (key < range.begin || key >= range.end) continue;
      unreadable = true;
      size_t before = 0;
      while (before < expected.size() &&
             (operation.reverse ? expected[before].first > key : expected[before].first < key)) {
        ++before;
      }
      readable = std::min(readable, before);
    }
  }
  const size_t limit = operation.rows > 0 ? static_cast<size_t>(operation.rows) : SIZE_MAX;
  if (!answer.status.ok()) {
    const bool met = unreadable && readable < limit;
    if (met && CodeOf(answer.status) == ErrorCode::accessed_unreadable) return absl::OkStatus();
    return Violated(name + " failed with " + orrery::Describe(answer.status));
  }
  const size_t most = std::min(limit, readable);
  const size_t got = answer.rows.size();
  for (size_t i = 0; i < std::min(got, most); ++i) {
    if (answer.rows[i] == expected[i]) continue;
    return Violated(name + ": row " + std::to_string(i) + " should be " + Show(expected[i].first) +
                    " = " + Show(expected[i].second) + ", and is " + Show(answer.rows[i].first) +
                    " = " + Show(answer.rows[i].second));
  }
  if (got > most) {
    return Violated(name + ": " + std::to_string(most) + " rows at most should come, and " +
                    std::to_string(got) + " came");
  }
  const bool all = got == expected.size() && !unreadable;
  const bool exact = operation.mode == kExact && operation.bytes == 0;
  if ((!answer.more && !all) || (exact && got < limit && !all) ||
      (answer.more && got == 0 && limit > 0)) {
    return Violated(name + ": of " + std::to_string(expected.size()) + " rows " +
                    std::to_string(got) + " came, and " + (answer.more ? "more" : "no more") +
                    " were announced");
  }
  return absl::OkStatus();
}

void TransactionModel::Apply(const Operation& operation) {
  Mutation mutation;
  switch (operation.kind) {
    case Operation::kSet:
      mutation = {MutationType::kSet, operation.key, operation.value};
      break;
    case Operation::kClear:
      mutation = {MutationType::kClearRange, operation.key, KeyAfter(operation.key)};
      break;
    case Operation::kClearRange:
      if (operation.range.begin >= operation.range.end) return;
      mutation = {MutationType::kClearRange, operation.range.begin, operation.range.end};
      break;
    case Operation::kAtomic:
      mutation = {operation.type, operation.key, operation.value};
      break;
    default:
      return;
  }
  mutations_.push_back(mutation);
  if (mutation.type == MutationType::kSetVersionstampedKey) {
    wrote_stamped_key_ = true;  // Lies where nobody reads.
    return;
  }
  if (mutation.type == MutationType::kSetVersionstampedValue) {
    unreadable_.insert(mutation.key);
    view_.erase(mutation.key);
    return;
  }
  if (mutation.type == MutationType::kClearRange) {
    unreadable_.erase(unreadable_.lower_bound(mutation.key),
                      unreadable_.lower_bound(mutation.value));
  } else if (unreadable_.contains(mutation.key)) {
    return;  // Also a set: only a clear makes the key readable again.
  }
  ApplyMutation(mutation, view_);
}

bool TransactionModel::Commit(std::string_view versionstamp, Rows& database) const {
  uint64_t version = 0;
  uint16_t order = 0;
  ByteReader stamp(versionstamp);
  if (!stamp.ReadOrdered64(version) || !stamp.ReadOrdered16(order) || !stamp.AtEnd()) return false;
  database = database_;
  for (const Mutation& mutation : mutations_) {
    if (!IsVersionstamped(mutation.type)) {
      ApplyMutation(mutation, database);
      continue;
    }
    const absl::StatusOr<Mutation> set =
        SubstituteVersionstamp(mutation, static_cast<Version>(version), order);
    if (!set.ok()) return false;
    ApplyMutation(*set, database);
  }
  return true;
}

}  // namespace orrery::workloads
