// Sets of ordinals, what a plan leaves out, and telling of operations.
#include "sim/run/operations.h"

#include <algorithm>
#include <charconv>

#include "core/base/error_codes.h"
#include "core/env/env.h"
#include "core/observe/trace.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/workload.h"

namespace orrery::sim {
namespace {

absl::Status NoSet(std::string_view text) {
  return Error(
      ErrorCode::invalid_argument,
      "\"" + std::string(text) + "\" is no set of ordinals like \"0-17,23\", ascending and apart");
}

}  // namespace

absl::StatusOr<OrdinalSet> OrdinalSet::Parse(std::string_view text) {
  OrdinalSet set;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    if (!set.spans_.empty() && *at++ != ',') return NoSet(text);
    uint64_t first = 0;
    std::from_chars_result read = std::from_chars(at, end, first);
    if (read.ec != std::errc()) return NoSet(text);
    uint64_t last = first;
    if (read.ptr != end && *read.ptr == '-') {
      read = std::from_chars(read.ptr + 1, end, last);
      if (read.ec != std::errc() || last < first) return NoSet(text);
    }
    if (!set.spans_.empty() && first <= set.spans_.back().second) return NoSet(text);
    set.spans_.emplace_back(first, last);
    at = read.ptr;
  }
  return set;
}

std::string OrdinalSet::ToText() const {
  std::string text;
  for (const auto& [first, last] : spans_) {
    if (!text.empty()) text += ",";
    text += std::to_string(first);
    if (last != first) text += "-" + std::to_string(last);
  }
  return text;
}

bool OrdinalSet::Contains(uint64_t ordinal) const {
  const auto after =
      std::upper_bound(spans_.begin(), spans_.end(), ordinal,
                       [](uint64_t value, const auto& span) { return value < span.first; });
  return after != spans_.begin() && ordinal <= std::prev(after)->second;
}

void OrdinalSet::Add(uint64_t ordinal) {
  if (!spans_.empty() && ordinal <= spans_.back().second) return;
  if (!spans_.empty() && ordinal == spans_.back().second + 1) {
    spans_.back().second = ordinal;
  } else {
    spans_.emplace_back(ordinal, ordinal);
  }
}

uint64_t OrdinalSet::size() const {
  uint64_t size = 0;
  for (const auto& [first, last] : spans_) size += last - first + 1;
  return size;
}

std::vector<uint64_t> OrdinalSet::List() const {
  std::vector<uint64_t> list;
  for (const auto& [first, last] : spans_) {
    for (uint64_t ordinal = first; ordinal <= last; ++ordinal) list.push_back(ordinal);
  }
  return list;
}

std::string OperationsName(std::string_view workload, int client) {
  return std::string(workload) + "/" + std::to_string(client);
}

absl::StatusOr<Operations> Operations::Of(const FaultPlan& plan, uint64_t seed) {
  Operations operations(seed);
  for (const PlannedOperations& entry : plan.operations()) {
    const std::string name = OperationsName(entry.workload(), static_cast<int>(entry.client()));
    absl::StatusOr<OrdinalSet> only = OrdinalSet::Parse(entry.only());
    if (!only.ok()) {
      return Error(ErrorCode::invalid_argument,
                   "operations of " + name + ": " + std::string(only.status().message()));
    }
    if (!operations.only_.emplace(name, *std::move(only)).second) {
      return Error(ErrorCode::invalid_argument, "operations of " + name + " are listed twice");
    }
  }
  operations.narrowed_ =
      plan.operations_size() > 0 || plan.duration_ns() != 0 || plan.clients() != 0;
  return operations;
}

bool Operations::Begins(std::string_view workload, int client, uint64_t ordinal) {
  const std::string name = OperationsName(workload, client);
  ++asked_[name];
  const auto only = only_.find(name);
  return only == only_.end() || only->second.Contains(ordinal);
}

Random Operations::RandomOf(std::string_view workload, int client, uint64_t ordinal) const {
  return Random(HashWords(seed_, HashBytes(workload), static_cast<uint64_t>(client), ordinal));
}

OperationStream::OperationStream(const ClientContext& context, std::string workload)
    : env_(context.env),
      operations_(context.operations),
      client_(context.client),
      workload_(std::move(workload)) {}

OperationStream::Operation OperationStream::Next() {
  const uint64_t ordinal = next_++;
  return {ordinal, operations_.RandomOf(workload_, client_, ordinal)};
}

bool OperationStream::Begins(uint64_t ordinal) {
  return operations_.Begins(workload_, client_, ordinal);
}

Task<absl::Status> OperationStream::Run(uint64_t ordinal, Task<absl::Status> work) {
  if (auto e = env_.trace().Debug("OperationBegan")) {
    e.Add("workload", workload_).Add("client", client_).Add("ordinal", ordinal);
  }
  absl::Status status = co_await std::move(work);
  operations_.End();
  if (auto e = env_.trace().Debug("OperationEnded")) {
    e.Add("workload", workload_).Add("client", client_).Add("ordinal", ordinal);
    e.Add("outcome", status.ok() ? "ok" : Describe(status));
  }
  co_return status;
}

}  // namespace orrery::sim
