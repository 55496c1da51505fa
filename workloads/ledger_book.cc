// Comparing what is read with what was acknowledged.
#include "workloads/ledger_book.h"

#include <algorithm>
#include <utility>

#include "core/base/invariant.h"
#include "workloads/violation.h"

namespace orrery::workloads {

size_t LedgerBook::Open() {
  registers_.emplace_back();
  return registers_.size() - 1;
}

std::string LedgerBook::BeginWrite(size_t which, ClientOperation by) {
  INVARIANT(writable(which));
  Register& target = registers_[which];
  target.writing = true;
  target.writer = by;
  std::string value = std::to_string(++target.issued) + ":";
  if (value.size() < value_bytes_) value.resize(value_bytes_, 'x');
  return value;
}

void LedgerBook::Acknowledge(size_t which, Version version) {
  Register& target = registers_[which];
  target.writing = false;
  target.acknowledged = target.issued;
  target.acknowledged_at = version;
  target.acknowledged_by = target.writer;
  acknowledged_version_ = std::max(acknowledged_version_, version);
}

void LedgerBook::Retire(size_t which) {
  registers_[which].writing = false;
  registers_[which].retired = true;
}

LedgerBook::Expectation LedgerBook::BeginRead(size_t which, ClientOperation by) const {
  const Register& target = registers_[which];
  const bool written = target.acknowledged >= target.seen;
  return {.which = which,
          .least = std::max(target.acknowledged, target.seen),
          .version = acknowledged_version_,
          .own = false,
          .by = by,
          .least_at = written ? target.acknowledged_at : 0,
          .least_by = written ? target.acknowledged_by : target.seen_by};
}

LedgerBook::Expectation LedgerBook::BeginOwnRead(size_t which, ClientOperation by) const {
  Expectation expected = BeginRead(which, by);
  expected.own = true;
  return expected;
}

sim::Evidence::Node LedgerBook::NodeOf(ClientOperation by, std::string label) const {
  sim::Evidence::Node node = by.Node(std::move(label));
  node.workload = prefix_;
  return node;
}

absl::Status LedgerBook::CheckReadVersion(const Expectation& expected, Version read_version) const {
  if (read_version >= expected.version) return absl::OkStatus();
  return Violated(
      "the read version " + std::to_string(read_version) + " was given after a commit at " +
          std::to_string(expected.version) + " had been acknowledged",
      {.nodes = {{.label = "commit at version " + std::to_string(expected.version)},
                 NodeOf(expected.by, "read version " + std::to_string(read_version))},
       .edges = {{.from = 0, .to = 1, .label = "acknowledged before it was asked for"}}});
}

sim::Evidence LedgerBook::Missed(const Expectation& expected, Version read_version,
                                 uint64_t number) const {
  const std::string of = std::to_string(expected.least) + " of " + KeyOf(expected.which);
  const bool written = expected.least_at != 0;
  const std::string first =
      written ? "write " + of + ", committed at version " + std::to_string(expected.least_at)
              : "read that gave " + of;
  const std::string second =
      "read at version " + std::to_string(read_version) + " that gave " + std::to_string(number);
  return {.nodes = {NodeOf(expected.least_by, first), NodeOf(expected.by, second)},
          .edges = {{.from = 0,
                     .to = 1,
                     .label = written ? "acknowledged before it began, and missed"
                                      : "ended before it began"}}};
}

absl::Status LedgerBook::EndRead(const Expectation& expected, Version read_version,
                                 const std::optional<std::string>& value) {
  Register& target = registers_[expected.which];
  const std::string key = KeyOf(expected.which);
  uint64_t number = 0;
  if (value.has_value()) {
    const std::string_view text = *value;
    const std::optional<uint64_t> parsed = ParseNumber(text.substr(0, text.find(':')));
    if (!parsed.has_value() || *parsed == 0) {
      return Violated(key + " has a value that nobody wrote: " + value->substr(0, 40));
    }
    number = *parsed;
  }
  const std::string at = " at version " + std::to_string(read_version);
  if (number > target.issued) {
    return Violated(key + at + ": read " + std::to_string(number) + ", but only " +
                    std::to_string(target.issued) + " were written");
  }
  if (number < expected.least) {
    return Violated(key + at + ": read " + std::to_string(number) + " after " +
                        std::to_string(expected.least) + " had been acknowledged or read",
                    Missed(expected, read_version, number));
  }
  if (expected.own && number != target.acknowledged) {
    return Violated(key + at + ": its writer read " + std::to_string(number) + ", which was not " +
                    "acknowledged, before it wrote the next");
  }
  RETURN_IF_ERROR(CheckReadVersion(expected, read_version));
  if (number > target.seen) target.seen_by = expected.by;
  target.seen = std::max(target.seen, number);
  return absl::OkStatus();
}

absl::Status LedgerBook::CheckAll(const Rows& rows) {
  size_t found = 0;
  for (size_t which = 0; which < registers_.size(); ++which) {
    const auto row = rows.find(KeyOf(which));
    std::optional<std::string> value;
    if (row != rows.end()) {
      value = row->second;
      ++found;
    }
    RETURN_IF_ERROR(EndRead(BeginRead(which), acknowledged_version_, value));
  }
  if (found == rows.size()) return absl::OkStatus();
  return Violated(std::to_string(rows.size()) + " rows where only " + std::to_string(found) +
                  " registers have a value");
}

}  // namespace orrery::workloads
