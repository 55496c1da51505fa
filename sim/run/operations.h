// Operations: which of a workload's operations a run does, as its plan says (fault_plan.proto,
// `operations`). Each client of a workload numbers the operations it would begin, from 0. What is
// left out is drawn all the same, so that nothing else shifts, and then not begun.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"

namespace orrery::sim {

class FaultPlan;

// A set of ordinals as text: "0-17,23,40-41"; "" is none. Sorted, without overlaps.
class OrdinalSet {
 public:
  static absl::StatusOr<OrdinalSet> Parse(std::string_view text);
  std::string ToText() const;
  bool Contains(uint64_t ordinal) const;
  void Add(uint64_t ordinal);
  uint64_t size() const;

 private:
  std::vector<std::pair<uint64_t, uint64_t>> spans_;  // First and last.
};

class Operations {
 public:
  Operations() = default;  // All of them.
  // invalid_argument says which entry makes no sense.
  static absl::StatusOr<Operations> Of(const FaultPlan& plan);

  // Whether client `client` of the workload that calls itself `workload` begins its operation
  // `ordinal`. Counts what was asked for.
  bool Begins(std::string_view workload, int client, uint64_t ordinal);

  // "ledger/0" (workload/client) -> how many operations were asked for.
  const std::map<std::string, uint64_t>& asked() const { return asked_; }

 private:
  std::map<std::string, OrdinalSet> only_;  // Not listed: all.
  std::map<std::string, uint64_t> asked_;
};

}  // namespace orrery::sim
