// Operations: what the clients of a run do, one by one, so that a plan can leave some out
// (fault_plan.proto, `operations`). Each client of a workload numbers the operations that it would
// begin, from 0, and each has a Random of its own: what is left out shifts nothing of the others.
//
//   OperationStream operations(context, "register");
//   while (...) {
//     auto [ordinal, random] = operations.Next();
//     co_await Sleep(clock, random.Between(Duration(0), longest));
//     Task<absl::Status> write = Write(..., random);  // Lazy: nothing is done yet.
//     if (operations.Begins(ordinal)) {
//       group.Spawn("write", operations.Run(ordinal, std::move(write)));
//     }
//   }
//
// Whatever an operation draws it draws from its Random. What it changes in the workload's own state
// before it begins (a choice among open lists) it changes whether or not it begins.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/async/task.h"
#include "core/base/random.h"
#include "core/base/status.h"

namespace orrery {
class Env;
}

namespace orrery::sim {

class FaultPlan;
struct ClientContext;

// A set of ordinals as text: "0-17,23,40-41"; "" is none.
class OrdinalSet {
 public:
  // invalid_argument unless the spans ascend and are apart.
  static absl::StatusOr<OrdinalSet> Parse(std::string_view text);
  std::string ToText() const;
  bool Contains(uint64_t ordinal) const;
  void Add(uint64_t ordinal);  // REQUIRES: none that is in it is larger.
  uint64_t size() const;
  std::vector<uint64_t> List() const;

 private:
  std::vector<std::pair<uint64_t, uint64_t>> spans_;  // First and last; ascending and apart.
};

// Of one run, for all of its clients.
class Operations {
 public:
  explicit Operations(uint64_t seed) : seed_(seed) {}  // All of them.
  // invalid_argument says which entry makes no sense.
  static absl::StatusOr<Operations> Of(const FaultPlan& plan, uint64_t seed);

  // Whether client `client` of the workload that calls itself `workload` begins its operation
  // `ordinal`. Counts what was asked for.
  bool Begins(std::string_view workload, int client, uint64_t ordinal);

  // What the operation draws from; it depends on the seed and on nothing else.
  Random RandomOf(std::string_view workload, int client, uint64_t ordinal) const;

  // One of them has ended, however it did; and how many have. The sign that a system goes on.
  void End() { ++ended_; }
  uint64_t ended() const { return ended_; }

  // Whether the plan has the run do less than its scenario says: then too little that was done is
  // no failure.
  bool narrowed() const { return narrowed_; }

  // "ledger/0" (workload/client) -> how many operations were asked for.
  const std::map<std::string, uint64_t>& asked() const { return asked_; }

 private:
  uint64_t seed_;
  uint64_t ended_ = 0;
  bool narrowed_ = false;
  std::map<std::string, OrdinalSet, std::less<>> only_;  // Not listed: all.
  std::map<std::string, uint64_t> asked_;
};

// "ledger/0": the operations of one client of one workload.
std::string OperationsName(std::string_view workload, int client);

// The operations of one client of one workload. Not copied: it counts.
class OperationStream {
 public:
  struct Operation {
    uint64_t ordinal;
    Random random;
  };

  // `workload` is what the workload calls itself in this run: no other one of the run calls itself
  // so. What the context refers to outlives this.
  OperationStream(const ClientContext& context, std::string workload);
  OperationStream(const OperationStream&) = delete;
  OperationStream& operator=(const OperationStream&) = delete;

  Operation Next();

  // Whether the plan has the operation begin. To be asked once for each, so that it is counted.
  bool Begins(uint64_t ordinal);

  // Does `work`, and tells of its begin and end as trace events (OperationBegan, OperationEnded).
  // REQUIRES: this outlives the Task.
  Task<absl::Status> Run(uint64_t ordinal, Task<absl::Status> work);

 private:
  Env& env_;
  Operations& operations_;
  const int client_;
  const std::string workload_;
  uint64_t next_ = 0;
};

}  // namespace orrery::sim
