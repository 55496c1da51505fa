// LedgerWorkload: acknowledged writes are there, for everybody, at once and for ever. The ledger is
// kept outside of the cluster: see ledger_book.h for what must hold. All clients see each other's
// acknowledgements by a side channel: they share the book. Beside each is a witness, another user
// of the database, who reads what was written as soon as it is acknowledged.
//
// Options, beside those of Load: keys_per_client = 20; reads_percent = 50; value_bytes = 16.
#pragma once

#include <memory>

#include "workloads/ledger_book.h"
#include "workloads/load.h"

namespace orrery::workloads {

class LedgerWorkload final : public sim::Workload {
 public:
  absl::Status Configure(const sim::Options& options) override;
  Task<absl::Status> Setup(sim::ClientContext context) override;
  Task<absl::Status> Start(sim::ClientContext context, Time deadline) override;
  Task<absl::Status> Check(sim::ClientContext context) override;
  std::map<std::string, int64_t> Metrics() const override { return load_.Metrics(); }

 private:
  // What a client writes to: retired registers are replaced.
  using Own = std::vector<size_t>;

  Task<absl::Status> Write(Database& database, ClientOperation by, size_t* own, bool blind);
  Task<absl::Status> WriteOnce(Transaction& transaction, ClientOperation by, size_t which,
                               std::string value, bool blind);
  Task<absl::Status> Read(Database& database, ClientOperation by, size_t which);
  Task<absl::Status> Nothing();

  Load load_;
  int64_t keys_per_client_ = 20;
  int64_t value_bytes_ = 16;
  uint64_t reads_percent_ = 50;
  std::unique_ptr<LedgerBook> book_;
};

}  // namespace orrery::workloads
