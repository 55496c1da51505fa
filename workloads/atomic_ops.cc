// Drawing and doing of atomic operations, and audits of the log.
#include "workloads/atomic_ops.h"

#include "core/base/fixed.h"
#include "storage/log/atomic_operations.h"
#include "workloads/system/client_database.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

constexpr MutationType kTypes[] = {
    MutationType::kSet,     MutationType::kClearRange, MutationType::kAdd,
    MutationType::kAnd,     MutationType::kOr,         MutationType::kXor,
    MutationType::kMax,     MutationType::kMin,        MutationType::kAppendIfFits,
    MutationType::kByteMin, MutationType::kByteMax,    MutationType::kCompareAndClear,
};

// Few different ones, so that equal ones meet; of all lengths up to 9, mostly 8.
std::string DrawOperand(Random& random) {
  const uint64_t length = random.Chance(OneIn(2)) ? 8 : random.Below(10);
  return std::string(
      length, static_cast<char>(random.Chance(OneIn(4)) ? random.Below(256) : random.Below(3)));
}

}  // namespace

absl::Status AtomicOpsWorkload::Configure(const sim::Options& options) {
  RETURN_IF_ERROR(load_.Configure(options, "atomic_ops"));
  ASSIGN_OR_RETURN(const int64_t groups, options.Integer("groups", 5, 1, 1'000));
  ASSIGN_OR_RETURN(const int64_t keys, options.Integer("keys", 5, 1, 1'000));
  ASSIGN_OR_RETURN(operations_max_, options.Integer("operations_max", 4, 1, 100));
  ASSIGN_OR_RETURN(const int64_t audits, options.Integer("audits_percent", 5, 0, 99));
  groups_ = static_cast<uint64_t>(groups);
  keys_ = static_cast<uint64_t>(keys);
  audits_percent_ = static_cast<uint64_t>(audits);
  return absl::OkStatus();
}

Task<absl::Status> AtomicOpsWorkload::Setup(sim::ClientContext) {
  acknowledged_.resize(groups_);
  co_return absl::OkStatus();
}

Task<absl::Status> AtomicOpsWorkload::Start(sim::ClientContext context, Time deadline) {
  ClientDatabase client(context);
  co_return co_await load_.Drive(context, deadline, [&](Random random, ClientOperation) {
    const uint64_t group = random.Below(groups_);
    if (random.Below(100) < audits_percent_) return Audit(client.database(), group);
    return Operate(client.database(), group, DrawOperations(random, group));
  });
}

std::string AtomicOpsWorkload::LogPrefix(uint64_t group) const {
  return NumberedKey(load_.prefix() + "/log", group);
}

std::string AtomicOpsWorkload::ValuePrefix(uint64_t group) const {
  return NumberedKey(load_.prefix() + "/value", group);
}

std::vector<Mutation> AtomicOpsWorkload::DrawOperations(Random& random, uint64_t group) const {
  std::vector<Mutation> operations;
  const int64_t count = random.Between(1, operations_max_);
  for (int64_t i = 0; i < count; ++i) {
    const MutationType type = kTypes[random.Below(std::size(kTypes))];
    std::string key = NumberedKey(ValuePrefix(group), random.Below(keys_));
    const bool clears = type == MutationType::kClearRange;
    operations.push_back({type, std::move(key), clears ? "" : DrawOperand(random)});
  }
  return operations;
}

absl::Status AtomicOpsWorkload::Write(Transaction& transaction, uint64_t group,
                                      const std::vector<Mutation>& operations) const {
  for (const Mutation& operation : operations) {
    if (operation.type == MutationType::kSet) {
      RETURN_IF_ERROR(transaction.Set(operation.key, operation.value));
    } else if (operation.type == MutationType::kClearRange) {
      RETURN_IF_ERROR(transaction.Clear(operation.key));
    } else {
      RETURN_IF_ERROR(transaction.Atomic(operation.type, operation.key, operation.value));
    }
  }
  std::string key = LogPrefix(group) + "/";
  const uint32_t position = static_cast<uint32_t>(key.size());
  key.append(kVersionstampBytes, '\0');
  AppendFixed(key, position);
  return transaction.Atomic(MutationType::kSetVersionstampedKey, key, EncodeOperations(operations));
}

Task<absl::Status> AtomicOpsWorkload::Operate(Database& database, uint64_t group,
                                              std::vector<Mutation> operations) {
  const auto write = [&](Transaction& tr) -> Task<absl::Status> {
    co_return Write(tr, group, operations);
  };
  const absl::StatusOr<CommitResult> result = co_await RunForResult(
      database, [&write](Transaction& tr) { return write(tr); }, load_.transaction_options());
  CO_ASSIGN_OR_RETURN(const Outcome outcome, load_.Settle(result.status()));
  if (outcome == Outcome::kCommitted) acknowledged_[group].insert(result->versionstamp);
  co_return absl::OkStatus();
}

Task<absl::Status> AtomicOpsWorkload::Audit(Database& database, uint64_t group) {
  Transaction transaction = database.Begin();
  for (;;) {
    const std::set<std::string> acknowledged = acknowledged_[group];  // Before it begins.
    absl::StatusOr<Rows> log = co_await ReadRows(transaction, RowsOf(LogPrefix(group)));
    absl::Status failed = log.status();
    if (failed.ok()) {
      const absl::StatusOr<Rows> values =
          co_await ReadRows(transaction, RowsOf(ValuePrefix(group)));
      failed = values.status();
      if (failed.ok()) {
        Rows by_stamp;
        for (const auto& [key, bytes] : *log) {
          by_stamp.emplace(key.substr(LogPrefix(group).size() + 1), bytes);
        }
        load_.Count("audits");
        co_return CheckAtomicLog(by_stamp, *values, acknowledged);
      }
    }
    CO_RETURN_IF_ERROR(co_await transaction.OnError(failed));
  }
}

Task<absl::Status> AtomicOpsWorkload::Check(sim::ClientContext context) {
  ClientDatabase client(context);
  for (uint64_t group = 0; group < groups_; ++group) {
    CO_RETURN_IF_ERROR(co_await Audit(client.database(), group));
  }
  co_return load_.CheckCommits(context);
}

}  // namespace orrery::workloads
