// Drawn operations above a snapshot.
#include "workloads/read_your_writes.h"

#include "workloads/operation_run.h"
#include "workloads/system/client_database.h"

namespace orrery::workloads {

absl::Status ReadYourWritesWorkload::Configure(const sim::Options& options) {
  RETURN_IF_ERROR(load_.Configure(options, "read_your_writes", 20));
  ASSIGN_OR_RETURN(operations_max_, options.Integer("operations_max", 30, 1, 1'000));
  return absl::OkStatus();
}

Task<absl::Status> ReadYourWritesWorkload::Setup(sim::ClientContext) { co_return absl::OkStatus(); }

Task<absl::Status> ReadYourWritesWorkload::Start(sim::ClientContext context, Time deadline) {
  ClientDatabase client(context);
  co_return co_await load_.Drive(context, deadline, [&](Random random, ClientOperation) {
    return Mix(client.database(), random);
  });
}

Task<absl::Status> ReadYourWritesWorkload::MixOnce(Transaction& transaction, Random* random) {
  const KeyRange space = RowsOf(load_.prefix());
  CO_ASSIGN_OR_RETURN(Rows rows, co_await ReadRows(transaction, space, /*snapshot=*/true));
  TransactionModel model(space, std::move(rows), ModelOptionsOf(transaction.options()));
  co_return co_await RunOperations(transaction, model, *random, DrawOptions(),
                                   random->Between(1, operations_max_));
}

Task<absl::Status> ReadYourWritesWorkload::Mix(Database& database, Random random) {
  const TransactionOptions options = DrawTransactionOptions(random, load_.transaction_options());
  const absl::StatusOr<CommitResult> result = co_await RunForResult(
      database, [&](Transaction& tr) { return MixOnce(tr, &random); }, options);
  if (result.ok() && result->version == kInvalidVersion) {
    load_.Count("read_only");
    co_return absl::OkStatus();
  }
  co_return load_.Settle(result.status()).status();
}

// What had to hold was compared on the way.
Task<absl::Status> ReadYourWritesWorkload::Check(sim::ClientContext context) {
  co_return load_.CheckCommits(context);
}

}  // namespace orrery::workloads
