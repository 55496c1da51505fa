// Swapping and walking.
#include "workloads/ring.h"

#include "workloads/ring_check.h"
#include "workloads/system/client_database.h"
#include "workloads/violation.h"

namespace orrery::workloads {

absl::Status RingWorkload::Configure(const sim::Options& options) {
  RETURN_IF_ERROR(load_.Configure(options, "ring"));
  ASSIGN_OR_RETURN(const int64_t nodes, options.Integer("nodes", 100, 4, 1'000'000));
  ASSIGN_OR_RETURN(const int64_t reads, options.Integer("reads_percent", 10, 0, 99));
  nodes_ = static_cast<uint64_t>(nodes);
  reads_percent_ = static_cast<uint64_t>(reads);
  return absl::OkStatus();
}

Task<absl::Status> RingWorkload::Setup(sim::ClientContext context) {
  ClientDatabase client(context);
  Rows rows;
  for (uint64_t node = 0; node < nodes_; ++node) {
    rows[NumberedKey(load_.prefix(), node)] = std::to_string((node + 1) % nodes_);
  }
  co_return co_await WriteRows(client.database(), std::move(rows));
}

Task<absl::Status> RingWorkload::Start(sim::ClientContext context, Time deadline) {
  ClientDatabase client(context);
  co_return co_await load_.Drive(context, deadline, [&](Random random, ClientOperation) {
    return random.Below(100) < reads_percent_ ? Walk(client.database())
                                              : Swap(client.database(), random.Below(nodes_));
  });
}

Task<absl::StatusOr<uint64_t>> RingWorkload::Next(Transaction& transaction, uint64_t node) {
  CO_ASSIGN_OR_RETURN(const std::optional<std::string> value,
                      co_await transaction.Get(NumberedKey(load_.prefix(), node)));
  const std::optional<uint64_t> next = ParseNumber(value.value_or("(nothing)"));
  if (!next.has_value() || *next >= nodes_) {
    co_return Violated("node " + std::to_string(node) + " of the ring is followed by " +
                       value.value_or("(nothing)"));
  }
  co_return *next;
}

// a -> b -> c -> d becomes a -> c -> b -> d.
Task<absl::Status> RingWorkload::SwapOnce(Transaction& transaction, uint64_t a) {
  CO_ASSIGN_OR_RETURN(const uint64_t b, co_await Next(transaction, a));
  CO_ASSIGN_OR_RETURN(const uint64_t c, co_await Next(transaction, b));
  CO_ASSIGN_OR_RETURN(const uint64_t d, co_await Next(transaction, c));
  CO_RETURN_IF_ERROR(transaction.Set(NumberedKey(load_.prefix(), a), std::to_string(c)));
  CO_RETURN_IF_ERROR(transaction.Set(NumberedKey(load_.prefix(), c), std::to_string(b)));
  co_return transaction.Set(NumberedKey(load_.prefix(), b), std::to_string(d));
}

Task<absl::Status> RingWorkload::Swap(Database& database, uint64_t first) {
  const absl::Status done = co_await database.Run(
      [this, first](Transaction& tr) { return SwapOnce(tr, first); }, load_.transaction_options());
  co_return load_.Settle(done).status();
}

Task<absl::Status> RingWorkload::Walk(Database& database) {
  CO_ASSIGN_OR_RETURN(const Rows rows, co_await ReadRows(database, RowsOf(load_.prefix())));
  load_.Count("walks");
  co_return CheckRing(rows, nodes_);
}

Task<absl::Status> RingWorkload::Check(sim::ClientContext context) {
  ClientDatabase client(context);
  CO_RETURN_IF_ERROR(co_await Walk(client.database()));
  co_return load_.CheckCommits(context);
}

}  // namespace orrery::workloads
