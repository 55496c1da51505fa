// Transfers and audits.
#include "workloads/bank.h"

#include <algorithm>

#include "workloads/bank_check.h"
#include "workloads/system/client_database.h"
#include "workloads/violation.h"

namespace orrery::workloads {

absl::Status BankWorkload::Configure(const sim::Options& options) {
  RETURN_IF_ERROR(load_.Configure(options, "bank"));
  ASSIGN_OR_RETURN(const int64_t accounts, options.Integer("accounts", 20, 2, 100'000));
  ASSIGN_OR_RETURN(const int64_t opening,
                   options.Integer("opening_balance", 100, 1, 1'000'000'000));
  ASSIGN_OR_RETURN(const int64_t reads, options.Integer("reads_percent", 25, 0, 99));
  accounts_ = static_cast<uint64_t>(accounts);
  opening_balance_ = static_cast<uint64_t>(opening);
  reads_percent_ = static_cast<uint64_t>(reads);
  return absl::OkStatus();
}

Task<absl::Status> BankWorkload::Setup(sim::ClientContext context) {
  ClientDatabase client(context);
  Rows rows;
  for (uint64_t account = 0; account < accounts_; ++account) {
    rows[NumberedKey(load_.prefix(), account)] = std::to_string(opening_balance_);
  }
  co_return co_await WriteRows(client.database(), std::move(rows));
}

Task<absl::Status> BankWorkload::Start(sim::ClientContext context, Time deadline) {
  ClientDatabase client(context);
  co_return co_await load_.Drive(context, deadline, [&](Random random, ClientOperation) {
    if (random.Below(100) < reads_percent_) {
      Look look;
      look.by_range = random.Chance(OneIn(2));
      look.reverse = random.Chance(OneIn(2));
      look.snapshot = random.Chance(OneIn(2));
      look.rows = random.Chance(OneIn(2)) ? 0 : static_cast<int32_t>(random.Between(1, 10));
      return Audit(client.database(), look);
    }
    Transfer transfer;
    transfer.from = random.Below(accounts_);
    transfer.to = (transfer.from + 1 + random.Below(accounts_ - 1)) % accounts_;
    transfer.amount = random.Below(opening_balance_ + 1);
    return Move(client.database(), transfer);
  });
}

Task<absl::StatusOr<uint64_t>> BankWorkload::Balance(Transaction& transaction, uint64_t account) {
  const Key key = NumberedKey(load_.prefix(), account);
  CO_ASSIGN_OR_RETURN(const std::optional<std::string> value, co_await transaction.Get(key));
  const std::optional<uint64_t> balance = ParseNumber(value.value_or("(nothing)"));
  if (balance.has_value() && *balance <= accounts_ * opening_balance_) co_return *balance;
  co_return Violated("account " + key + " has " + value.value_or("(nothing)"));
}

Task<absl::Status> BankWorkload::MoveOnce(Transaction& transaction, Transfer transfer) {
  CO_ASSIGN_OR_RETURN(const uint64_t from, co_await Balance(transaction, transfer.from));
  CO_ASSIGN_OR_RETURN(const uint64_t to, co_await Balance(transaction, transfer.to));
  const uint64_t amount = std::min(from, transfer.amount);
  CO_RETURN_IF_ERROR(
      transaction.Set(NumberedKey(load_.prefix(), transfer.from), std::to_string(from - amount)));
  co_return transaction.Set(NumberedKey(load_.prefix(), transfer.to), std::to_string(to + amount));
}

Task<absl::Status> BankWorkload::Move(Database& database, Transfer transfer) {
  const absl::Status done =
      co_await database.Run([this, transfer](Transaction& tr) { return MoveOnce(tr, transfer); },
                            load_.transaction_options());
  co_return load_.Settle(done).status();
}

Task<absl::StatusOr<Rows>> BankWorkload::ReadAccounts(Transaction& transaction, Look look) {
  Rows rows;
  if (look.by_range) {
    KeyRange range = RowsOf(load_.prefix());
    RangeOptions options;
    options.rows = look.rows;
    options.reverse = look.reverse;
    options.snapshot = look.snapshot;
    for (;;) {
      CO_ASSIGN_OR_RETURN(const RangeResult result, co_await transaction.GetRange(range, options));
      for (const auto& row : result.rows) rows.emplace(Key(row.key), std::string(row.value));
      if (!result.more || result.rows.empty()) co_return rows;
      (look.reverse ? range.end : range.begin) =
          look.reverse ? Key(result.rows.back().key) : KeyAfter(result.rows.back().key);
    }
  }
  for (uint64_t i = 0; i < accounts_; ++i) {
    const Key key = NumberedKey(load_.prefix(), look.reverse ? accounts_ - 1 - i : i);
    CO_ASSIGN_OR_RETURN(const std::optional<std::string> value,
                        co_await transaction.Get(key, look.snapshot));
    if (value.has_value()) rows.emplace(key, *value);
  }
  co_return rows;
}

Task<absl::Status> BankWorkload::Audit(Database& database, Look look) {
  Transaction transaction = database.Begin();
  for (;;) {
    const absl::StatusOr<Rows> rows = co_await ReadAccounts(transaction, look);
    if (rows.ok()) {
      load_.Count("audits");
      co_return CheckBank(*rows, accounts_, accounts_ * opening_balance_);
    }
    // Account by account from far away takes longer than a transaction may live: the next attempt
    // asks for all at once.
    if (CodeOf(rows.status()) == ErrorCode::transaction_too_old) look = Look();
    CO_RETURN_IF_ERROR(co_await transaction.OnError(rows.status()));
  }
}

Task<absl::Status> BankWorkload::Check(sim::ClientContext context) {
  ClientDatabase client(context);
  CO_RETURN_IF_ERROR(co_await Audit(client.database(), Look()));
  co_return load_.CheckCommits(context);
}

}  // namespace orrery::workloads
