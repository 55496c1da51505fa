// Transactions of drawn operations, and all the ways in which they end.
#include "workloads/api_fuzz.h"

#include <algorithm>

#include "core/async/when_all.h"
#include "storage/log/atomic_operations.h"
#include "workloads/operation_run.h"
#include "workloads/system/client_database.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

constexpr size_t kBytesMaxMin = 32;  // The least that may be chosen as bytes_max.

absl::Status Expect(const absl::Status& seen, ErrorCode expected, const std::string& what) {
  if (CodeOf(seen) == expected) return absl::OkStatus();
  return Violated(what + " should give " + std::string(InfoOf(expected).name) + ", and gave " +
                  orrery::Describe(seen));
}

Task<absl::Status> SetOnce(Transaction* transaction, Key key) {
  co_return transaction->Set(key, "late");
}

}  // namespace

absl::Status ApiFuzzWorkload::Configure(const sim::Options& options) {
  RETURN_IF_ERROR(load_.Configure(options, "api_fuzz", 20));
  ASSIGN_OR_RETURN(spaces_per_client_, options.Integer("spaces_per_client", 4, 1, 1'000));
  ASSIGN_OR_RETURN(operations_max_, options.Integer("operations_max", 20, 1, 1'000));
  ASSIGN_OR_RETURN(limits_, options.Boolean("limits", true));
  return absl::OkStatus();
}

Task<absl::Status> ApiFuzzWorkload::Setup(sim::ClientContext) { co_return absl::OkStatus(); }

ApiFuzzWorkload::Space& ApiFuzzWorkload::Open() {
  const std::string prefix = NumberedKey(load_.prefix(), spaces_.size());
  return spaces_.emplace_back(Space{.data = RowsOf(prefix + "/data"),
                                    .stamped_keys = prefix + "/stamped/",
                                    .all = RowsOf(prefix),
                                    .rows = {}});
}

Task<absl::Status> ApiFuzzWorkload::Start(sim::ClientContext context, Time deadline) {
  ClientDatabase client(context);
  std::vector<Space*> own;
  for (int64_t i = 0; i < spaces_per_client_; ++i) own.push_back(&Open());
  co_return co_await load_.Drive(context, deadline, [&](Random random, ClientOperation) {
    Space** const space = &own[random.Below(own.size())];
    return Fuzz(client.database(), space, random);
  });
}

Task<absl::Status> ApiFuzzWorkload::Fuzz(Database& database, Space** own, Random random) {
  Space& space = **own;
  if (space.busy) co_return absl::OkStatus();
  space.busy = true;
  Transaction transaction = database.Begin();
  transaction.options() = DrawTransactionOptions(random, load_.transaction_options());
  for (;;) {
    absl::Status status = co_await Attempt(random, transaction, space);
    if (status.ok()) break;
    status = co_await transaction.OnError(std::move(status));
    if (status.ok()) {
      load_.Count("retries");
      continue;
    }
    CO_RETURN_IF_ERROR(load_.Settle(status).status());
    space.retired = true;
    *own = &Open();
    co_return absl::OkStatus();
  }
  space.busy = false;
  co_return absl::OkStatus();
}

Task<absl::Status> ApiFuzzWorkload::Attempt(Random& random, Transaction& transaction,
                                            Space& space) {
  transaction.options().bytes_max = TransactionOptions().bytes_max;  // An earlier attempt's.
  TransactionModel model(space.data, space.rows, ModelOptionsOf(transaction.options()));
  const DrawOptions options{.limits = limits_,
                            .mistakes = true,
                            .stamped_keys = space.stamped_keys,
                            .has_version = random.Chance(OneIn(2))};
  if (options.has_version) {
    CO_RETURN_IF_ERROR((co_await transaction.GetReadVersion()).status());
  }
  CO_RETURN_IF_ERROR(co_await RunOperations(transaction, model, random, options,
                                            random.Between(1, operations_max_)));
  co_return co_await End(random, transaction, model, space);
}

Task<absl::Status> ApiFuzzWorkload::End(Random& random, Transaction& transaction,
                                        const TransactionModel& model, Space& space) {
  switch (random.Below(10)) {
    case 0:
      load_.Count("given_up");
      transaction.Reset();
      co_return absl::OkStatus();
    case 1:
      co_return co_await Cancel(transaction, space);
    case 2:
    case 3:
      co_return co_await CommitAtLimit(transaction, model, space);
    case 4:
      co_return co_await CommitAndUse(transaction, model, space);
    default:
      co_return co_await Commit(transaction, model, space);
  }
}

absl::Status ApiFuzzWorkload::Applied(const absl::StatusOr<CommitResult>& result,
                                      const TransactionModel& model, Space& space) {
  RETURN_IF_ERROR(result.status());
  load_.Count(result->version == kInvalidVersion ? "nothing_to_commit" : "commits");
  const std::string stamp =
      result->version == kInvalidVersion ? MakeVersionstamp(0, 0) : result->versionstamp;
  if (model.Commit(stamp, space.rows)) return absl::OkStatus();
  return Violated("a commit at version " + std::to_string(result->version) + " gave a stamp of " +
                  std::to_string(result->versionstamp.size()) + " bytes");
}

Task<absl::Status> ApiFuzzWorkload::Commit(Transaction& transaction, const TransactionModel& model,
                                           Space& space) {
  const absl::StatusOr<CommitResult> result = co_await transaction.Commit();
  co_return Applied(result, model, space);
}

// One byte less than it has is too little, and changes nothing; what it has is enough.
Task<absl::Status> ApiFuzzWorkload::CommitAtLimit(Transaction& transaction,
                                                  const TransactionModel& model, Space& space) {
  const size_t bytes = transaction.ApproximateBytes();
  // Stamped keys conflict with where they may come to lie, which is known later.
  if (bytes <= kBytesMaxMin || model.wrote_stamped_key()) {
    co_return co_await Commit(transaction, model, space);
  }
  load_.Count("limits_tried");
  if (model.wrote()) {
    transaction.options().bytes_max = kBytesMaxMin - 1;
    absl::Status refused = (co_await transaction.Commit()).status();
    CO_RETURN_IF_ERROR(Expect(refused, ErrorCode::invalid_option_value, "a limit of 31 bytes"));
    transaction.options().bytes_max = bytes - 1;
    refused = (co_await transaction.Commit()).status();
    if (EndsAttempt(refused)) co_return refused;
    CO_RETURN_IF_ERROR(Expect(refused, ErrorCode::transaction_too_large, "one byte too many"));
  }
  transaction.options().bytes_max = bytes;
  co_return co_await Commit(transaction, model, space);
}

Task<absl::Status> ApiFuzzWorkload::CommitAndUse(Transaction& transaction,
                                                 const TransactionModel& model, Space& space) {
  if (!model.wrote()) co_return co_await Commit(transaction, model, space);
  auto [result, used] =
      co_await WhenAll(transaction.Commit(), SetOnce(&transaction, space.data.begin));
  // A commit that ended before it was used leaves nothing to be refused.
  if (CodeOf(used) != ErrorCode::used_during_commit && result.ok()) {
    co_return Expect(used, ErrorCode::used_during_commit, "a set during the commit");
  }
  load_.Count("used_during_commit");
  co_return Applied(result, model, space);
}

Task<absl::Status> ApiFuzzWorkload::Cancel(Transaction& transaction, Space& space) {
  load_.Count("cancelled");
  transaction.Cancel();
  const absl::Status get = (co_await transaction.Get(space.data.begin)).status();
  CO_RETURN_IF_ERROR(Expect(get, ErrorCode::transaction_cancelled, "a get after Cancel"));
  const absl::Status set = transaction.Set(space.data.begin, "late");
  CO_RETURN_IF_ERROR(Expect(set, ErrorCode::transaction_cancelled, "a set after Cancel"));
  const absl::Status commit = (co_await transaction.Commit()).status();
  co_return Expect(commit, ErrorCode::transaction_cancelled, "a commit after Cancel");
}

Task<absl::Status> ApiFuzzWorkload::Check(sim::ClientContext context) {
  ClientDatabase client(context);
  for (const Space& space : spaces_) {
    if (space.retired) continue;
    CO_ASSIGN_OR_RETURN(const Rows rows, co_await ReadRows(client.database(), space.all));
    if (rows == space.rows) continue;
    const auto [seen, expected] =
        std::mismatch(rows.begin(), rows.end(), space.rows.begin(), space.rows.end());
    co_return Violated("space " + space.all.begin + " has " + std::to_string(rows.size()) +
                       " rows, and should have " + std::to_string(space.rows.size()) +
                       "; they differ from " +
                       (seen != rows.end() ? seen->first : expected->first) + " on");
  }
  co_return load_.CheckCommits(context);
}

}  // namespace orrery::workloads
