// Operations on a Transaction.
#include "workloads/operation_run.h"

#include <utility>

namespace orrery::workloads {
namespace {

KeySelector ToSelector(const Operation::Selector& selector) {
  return {selector.key, selector.or_equal, selector.offset};
}

RangeOptions ToRangeOptions(const Operation& operation) {
  RangeOptions options;
  options.rows = operation.rows;
  options.bytes = operation.bytes;
  options.mode = static_cast<StreamingMode>(operation.mode);
  options.reverse = operation.reverse;
  options.snapshot = operation.snapshot;
  return options;
}

void TakeRows(const absl::StatusOr<RangeResult>& result, Answer& answer) {
  answer.status = result.status();
  if (!result.ok()) return;
  answer.more = result->more;
  for (const auto& row : result->rows) {
    answer.rows.emplace_back(Key(row.key), std::string(row.value));
  }
}

absl::Status Write(Transaction& transaction, const Operation& operation) {
  switch (operation.kind) {
    case Operation::kSet:
      return transaction.Set(operation.key, operation.value);
    case Operation::kClear:
      return transaction.Clear(operation.key);
    case Operation::kClearRange:
      return transaction.Clear(operation.range);
    case Operation::kAtomic:
      return transaction.Atomic(operation.type, operation.key, operation.value);
    case Operation::kReadConflict:
      return transaction.AddReadConflictRange(operation.range);
    case Operation::kWriteConflict:
      return transaction.AddWriteConflictRange(operation.range);
    default:
      return transaction.SetReadVersion(operation.version);
  }
}

}  // namespace

bool EndsAttempt(const absl::Status& status) {
  return IsRetryable(status) || CodeOf(status) == ErrorCode::transaction_timed_out ||
         CodeOf(status) == ErrorCode::outcome_unknown;
}

Task<Answer> Execute(Transaction& transaction, Operation operation) {
  Answer answer;
  switch (operation.kind) {
    case Operation::kGet: {
      absl::StatusOr<std::optional<std::string>> value =
          co_await transaction.Get(operation.key, operation.snapshot);
      answer.status = value.status();
      if (value.ok()) answer.value = *std::move(value);
      break;
    }
    case Operation::kGetKey: {
      absl::StatusOr<Key> key =
          co_await transaction.GetKey(ToSelector(operation.begin), operation.snapshot);
      answer.status = key.status();
      if (key.ok()) answer.key = *std::move(key);
      break;
    }
    case Operation::kGetRange:
      TakeRows(co_await transaction.GetRange(operation.range, ToRangeOptions(operation)), answer);
      break;
    case Operation::kGetSelectedRange:
      TakeRows(co_await transaction.GetRange(ToSelector(operation.begin), ToSelector(operation.end),
                                             ToRangeOptions(operation)),
               answer);
      break;
    default:
      answer.status = Write(transaction, operation);
  }
  co_return answer;
}

Task<absl::Status> RunOperations(Transaction& transaction, TransactionModel& model, Random& random,
                                 DrawOptions options, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const Operation operation = DrawOperation(random, model, options);
    const Answer answer = co_await Execute(transaction, operation);
    if (operation.refused == ErrorCode::ok && EndsAttempt(answer.status)) co_return answer.status;
    CO_RETURN_IF_ERROR(model.CheckAndApply(operation, answer));
  }
  co_return absl::OkStatus();
}

TransactionOptions DrawTransactionOptions(Random& random, TransactionOptions base) {
  base.priority = static_cast<TransactionPriority>(random.Below(3));
  base.read_your_writes = !random.Chance(OneIn(8));
  base.snapshot_read_your_writes = !random.Chance(OneIn(4));
  base.next_write_no_conflict = random.Chance(OneIn(8));
  base.report_conflicting_keys = random.Chance(OneIn(4));
  return base;
}

TransactionModel::Options ModelOptionsOf(const TransactionOptions& options) {
  return {options.read_your_writes, options.snapshot_read_your_writes};
}

}  // namespace orrery::workloads
