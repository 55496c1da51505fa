// RegisterWorkload: coordinators keep what they tell. Clients ask one coordinator at a time what
// its register holds, as a controller does that has just come to lead, and compare:
// register_book.h. In some of the questions it must promise to take no older write, which is what
// whoever makes a generation at that moment competes with; it is asked by one that then writes
// nothing.
//
// Options, beside those of Load: promises_percent = 25.
#pragma once

#include <cstdint>
#include <memory>

#include "workloads/load.h"
#include "workloads/register_book.h"
#include "workloads/system/client_database.h"

namespace orrery::workloads {

class RegisterWorkload final : public sim::Workload {
 public:
  absl::Status Configure(const sim::Options& options) override;
  Task<absl::Status> Setup(sim::ClientContext context) override;
  Task<absl::Status> Start(sim::ClientContext context, Time deadline) override;
  Task<absl::Status> Check(sim::ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override { return load_.Metrics(); }

 private:
  Task<absl::Status> Ask(ClientDatabase& client, ClientOperation by, size_t coordinator,
                         RegisterGeneration promise);

  Load load_;
  uint64_t promises_percent_ = 25;
  uint64_t answers_ = 0;
  std::unique_ptr<RegisterBook> book_;
};

}  // namespace orrery::workloads
