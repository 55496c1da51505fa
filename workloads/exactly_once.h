// ExactlyOnceWorkload: what a retry loop says was done, was done once: see once_book.h. Half of the
// operations read the counter and write it, half add to it unseen and read nothing at all.
//
// Options, beside those of Load: counters = 10.
#pragma once

#include <memory>

#include "workloads/load.h"
#include "workloads/once_book.h"

namespace orrery::workloads {

class ExactlyOnceWorkload final : public sim::Workload {
 public:
  absl::Status Configure(const sim::Options& options) override;
  Task<absl::Status> Setup(sim::ClientContext context) override;
  Task<absl::Status> Start(sim::ClientContext context, Time deadline) override;
  Task<absl::Status> Check(sim::ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override { return load_.Metrics(); }

 private:
  struct Operation {
    size_t id = 0;
    uint64_t counter = 0;
    bool blind = false;
    uint64_t attempts = 0;
  };

  Task<absl::Status> Add(Database& database, ClientOperation by, uint64_t counter, bool blind);
  Task<absl::Status> AddOnce(Transaction& transaction, Operation* operation);
  std::string CounterKey(uint64_t counter) const;

  Load load_;
  int64_t counters_ = 10;
  std::unique_ptr<OnceBook> book_;
};

}  // namespace orrery::workloads
