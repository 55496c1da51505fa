// ListAppendWorkload: transactions append unique elements to lists and read lists; the whole
// history is recorded and must be strictly serialisable: see list_history.h.
//
// Options, beside those of Load: lists = 10 (open at a time); list_elements_max = 40 (then a list
// is closed, and another opened); operations_max = 6 (of a transaction).
#pragma once

#include <utility>
#include <vector>

#include "workloads/list_history.h"
#include "workloads/load.h"

namespace orrery::workloads {

class ListAppendWorkload final : public sim::Workload {
 public:
  absl::Status Configure(const sim::Options& options) override;
  Task<absl::Status> Setup(sim::ClientContext context) override;
  Task<absl::Status> Start(sim::ClientContext context, Time deadline) override;
  Task<absl::Status> Check(sim::ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override { return load_.Metrics(); }

 private:
  enum class Action : uint8_t {
    kAppend,         // By an atomic operation, unseen.
    kReadAndAppend,  // By a read and a write.
    kRead,
    kReadRange,  // The list and its neighbours, by one range read.
  };
  using Plan = std::vector<std::pair<Action, ListId>>;

  Plan DrawPlan(Random& random);
  ListId DrawList(Random& random, bool appends);
  Task<absl::Status> Append(ClientOperation by, Database& database, Plan plan);
  // One attempt, recorded in transaction `index` of the history.
  Task<absl::Status> Attempt(Transaction& transaction, const Plan& plan, size_t index);
  Task<absl::Status> Do(Transaction& transaction, Action action, ListId list, size_t index);
  Task<absl::StatusOr<ListElements>> ReadList(Transaction& transaction, ListId list, size_t index);
  absl::Status RecordRead(size_t index, ListId list, std::string_view bytes);
  uint64_t RecordAppend(size_t index, ListId list);

  Load load_;
  int64_t open_lists_ = 10;
  int64_t list_elements_max_ = 40;
  int64_t operations_max_ = 6;

  ListHistory history_;
  uint64_t moments_ = 0;
  uint64_t elements_ = 0;
  uint64_t lists_ = 0;                            // Opened so far.
  std::vector<std::pair<ListId, int64_t>> open_;  // And how many appends were drawn for each.
};

}  // namespace orrery::workloads
