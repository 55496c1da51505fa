// Pacing, settling and bulk reads.
#include "workloads/load.h"

#include <optional>
#include <utility>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

constexpr size_t kRowsPerTransaction = 500;

}  // namespace

absl::Status Load::Configure(const sim::Options& options, std::string_view workload,
                             int64_t transactions_per_second) {
  ASSIGN_OR_RETURN(
      transactions_per_second_,
      options.Integer("transactions_per_second", transactions_per_second, 1, 1'000'000));
  ASSIGN_OR_RETURN(in_flight_max_, options.Integer("in_flight_max", 50, 1, 10'000));
  ASSIGN_OR_RETURN(prefix_, options.Text("prefix", workload));
  ASSIGN_OR_RETURN(timeout_, options.Span("timeout", Duration(0)));
  ASSIGN_OR_RETURN(commits_min_, options.Integer("commits_min", 1, 0, INT64_MAX));
  if (prefix_.empty() || prefix_.front() == '\xff') {
    return options.Refuse("prefix", "expected a text that begins no system key");
  }
  return absl::OkStatus();
}

Task<absl::Status> Load::Drive(sim::ClientContext context, Time deadline,
                               BeginOperation begin) const {
  Env& env = context.env;
  sim::OperationStream operations(context, prefix_);
  absl::Status verdict;
  TaskGroup transactions(env.executor(), [&verdict](std::string_view, absl::Status status) {
    if (verdict.ok()) verdict = std::move(status);
  });
  // Twice the mean at most, and nothing at least: neither in step nor far apart.
  const Duration mean = Seconds(1) * context.clients / transactions_per_second_;
  while (verdict.ok()) {
    auto [ordinal, random] = operations.Next();
    co_await Sleep(env.clock(), random.Between(Duration(0), 2 * mean));
    if (env.clock().Now() >= deadline) break;
    Task<absl::Status> transaction = begin(random, {context.client, static_cast<int64_t>(ordinal)});
    const bool room = transactions.size() < static_cast<size_t>(in_flight_max_);
    if (operations.Begins(ordinal) && room) {
      transactions.Spawn("transaction", operations.Run(ordinal, std::move(transaction)));
    }
  }
  if (verdict.ok()) co_await transactions.Join();
  co_return verdict;
}

absl::StatusOr<Outcome> Load::Settle(const absl::Status& status) {
  if (status.ok()) {
    Count("commits");
    return Outcome::kCommitted;
  }
  switch (CodeOf(status)) {
    case ErrorCode::outcome_unknown:
    case ErrorCode::transaction_timed_out:
      Count(InfoOf(CodeOf(status)).name);
      return Outcome::kUnknown;
    default:
      return status;
  }
}

TransactionOptions Load::transaction_options() const {
  TransactionOptions options;
  options.timeout = timeout_;
  return options;
}

absl::Status Load::NameOperations(absl::Status verdict) const {
  std::optional<sim::Evidence> evidence = sim::EvidenceOf(verdict);
  if (!evidence.has_value()) return verdict;
  for (sim::Evidence::Node& node : evidence->nodes) {
    if (node.client >= 0) node.workload = prefix_;
  }
  return sim::WithEvidence(std::move(verdict), *evidence);
}

absl::Status Load::CheckCommits(const sim::ClientContext& context) const {
  if (context.operations.narrowed()) return absl::OkStatus();
  const auto found = metrics_.find("commits");
  const int64_t commits = found == metrics_.end() ? 0 : found->second;
  if (commits >= commits_min_) return absl::OkStatus();
  return Violated("at least " + std::to_string(commits_min_) + " commits were expected, and " +
                  std::to_string(commits) + " were acknowledged");
}

void Load::Count(std::string_view metric, int64_t n) { metrics_[std::string(metric)] += n; }

Task<absl::StatusOr<Rows>> ReadRows(Transaction& transaction, KeyRange range, bool snapshot) {
  Rows rows;
  RangeOptions options;
  options.snapshot = snapshot;
  options.mode = StreamingMode::kWantAll;
  for (;;) {
    CO_ASSIGN_OR_RETURN(const RangeResult result, co_await transaction.GetRange(range, options));
    for (const auto& row : result.rows) rows.emplace(Key(row.key), std::string(row.value));
    if (!result.more || result.rows.empty()) co_return rows;
    range.begin = KeyAfter(result.rows.back().key);
  }
}

Task<absl::StatusOr<Rows>> ReadRows(Database& database, KeyRange range) {
  Transaction transaction = database.Begin();
  for (;;) {
    absl::StatusOr<Rows> rows = co_await ReadRows(transaction, range);
    if (rows.ok()) co_return rows;
    CO_RETURN_IF_ERROR(co_await transaction.OnError(rows.status()));
  }
}

Task<absl::Status> WriteRows(Database& database, Rows rows) {
  const auto write = [](Transaction* transaction, Rows::const_iterator from,
                        Rows::const_iterator to) -> Task<absl::Status> {
    for (; from != to; ++from) CO_RETURN_IF_ERROR(transaction->Set(from->first, from->second));
    co_return absl::OkStatus();
  };
  for (auto from = rows.cbegin(); from != rows.cend();) {
    auto to = from;
    for (size_t n = 0; n < kRowsPerTransaction && to != rows.cend(); ++n) ++to;
    CO_RETURN_IF_ERROR(
        co_await database.Run([&](Transaction& tr) { return write(&tr, from, to); }));
    from = to;
  }
  co_return absl::OkStatus();
}

KeyRange RowsOf(std::string_view prefix) {
  const std::string first = std::string(prefix) + "/";
  return {first, PrefixEnd(first)};
}

}  // namespace orrery::workloads
