// OnceBook: which operations of the exactly_once workload were acknowledged, and whether each of
// them, and nothing else, was done once.
//
// Each operation adds one to a counter and writes a row of its own; each attempt of it writes a row
// of another name. So an operation that was done twice shows in its rows, and one that was done
// without its rows shows in the counter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "workloads/client_operation.h"
#include "workloads/row_keys.h"

namespace orrery::workloads {

class OnceBook {
 public:
  explicit OnceBook(uint64_t counters) : counters_(counters) {}

  // A new operation on a counter.
  size_t Begin(uint64_t counter, ClientOperation by = {}) {
    operations_.push_back({counter, by, false});
    return operations_.size() - 1;
  }
  void Acknowledge(size_t operation) { operations_[operation].acknowledged = true; }
  uint64_t counters() const { return counters_; }

  // `rows` has the name of every attempt's row ("OPERATION/ATTEMPT") and its counter's number;
  // `counts` the value of each counter, 0 for one that is not there.
  absl::Status Check(const Rows& rows, const std::vector<uint64_t>& counts) const;

 private:
  struct Operation {
    uint64_t counter = 0;
    ClientOperation by;
    bool acknowledged = false;
  };
  uint64_t counters_;
  std::vector<Operation> operations_;
};

}  // namespace orrery::workloads
