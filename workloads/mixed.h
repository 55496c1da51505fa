// MixedWorkload: two to four of the other workloads side by side, which ones and with which options
// drawn by the seed.
//
// Options: transactions_per_second = 60 (of all of them together); commits_min = 1 (of all).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/run/workload.h"

namespace orrery::workloads {

class MixedWorkload final : public sim::Workload {
 public:
  using Make = std::function<std::unique_ptr<sim::Workload>(std::string_view)>;

  // `make` gives the workloads that DrawMixture names.
  explicit MixedWorkload(Make make) : make_(std::move(make)) {}

  absl::Status Configure(const sim::Options& options) override;
  Task<absl::Status> Setup(sim::ClientContext context) override;
  Task<absl::Status> Start(sim::ClientContext context, Time deadline) override;
  Task<absl::Status> Check(sim::ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override;

 private:
  struct Part {
    std::string name;
    std::unique_ptr<sim::Workload> workload;
  };

  Make make_;
  int64_t transactions_per_second_ = 60;
  int64_t commits_min_ = 1;
  std::vector<Part> parts_;
};

struct MixturePart {
  std::string name;
  sim::Options options;
};

// Which workloads, and their options; every one that there is but mixed itself and the comparison
// of replicas may come. REQUIRES: transactions_per_second >= 4.
std::vector<MixturePart> DrawMixture(Random& random, int64_t transactions_per_second);

}  // namespace orrery::workloads
