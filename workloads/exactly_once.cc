// Adding, and counting at the end.
#include "workloads/exactly_once.h"

#include "core/base/fixed.h"
#include "workloads/system/client_database.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

constexpr char kDone[] = "/done";
constexpr char kCounter[] = "/counter";

std::string EncodeCount(uint64_t count) {
  std::string bytes;
  AppendFixed(bytes, count);
  return bytes;
}

// A counter that is not there is zero.
absl::StatusOr<uint64_t> DecodeCount(const std::optional<std::string>& bytes) {
  if (!bytes.has_value()) return 0;
  if (bytes->size() == sizeof(uint64_t)) return GetFixed<uint64_t>(bytes->data());
  return Violated("a counter has " + std::to_string(bytes->size()) + " bytes");
}

}  // namespace

absl::Status ExactlyOnceWorkload::Configure(const sim::Options& options) {
  RETURN_IF_ERROR(load_.Configure(options, "exactly_once"));
  ASSIGN_OR_RETURN(counters_, options.Integer("counters", 10, 1, 10'000));
  return absl::OkStatus();
}

Task<absl::Status> ExactlyOnceWorkload::Setup(sim::ClientContext) {
  book_ = std::make_unique<OnceBook>(static_cast<uint64_t>(counters_));
  co_return absl::OkStatus();
}

Task<absl::Status> ExactlyOnceWorkload::Start(sim::ClientContext context, Time deadline) {
  ClientDatabase client(context);
  co_return co_await load_.Drive(context, deadline, [&](Random random, ClientOperation by) {
    const uint64_t counter = random.Below(book_->counters());
    return Add(client.database(), by, counter, random.Chance(OneIn(2)));
  });
}

std::string ExactlyOnceWorkload::CounterKey(uint64_t counter) const {
  return NumberedKey(load_.prefix() + kCounter, counter);
}

Task<absl::Status> ExactlyOnceWorkload::AddOnce(Transaction& transaction, Operation* operation) {
  const std::string key = CounterKey(operation->counter);
  const std::string row = load_.prefix() + kDone + "/" + std::to_string(operation->id) + "/" +
                          std::to_string(++operation->attempts);
  CO_RETURN_IF_ERROR(transaction.Set(row, std::to_string(operation->counter)));
  if (operation->blind) co_return transaction.Atomic(MutationType::kAdd, key, EncodeCount(1));
  CO_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, co_await transaction.Get(key));
  CO_ASSIGN_OR_RETURN(const uint64_t count, DecodeCount(bytes));
  co_return transaction.Set(key, EncodeCount(count + 1));
}

Task<absl::Status> ExactlyOnceWorkload::Add(Database& database, ClientOperation by,
                                            uint64_t counter, bool blind) {
  Operation operation{.id = book_->Begin(counter, by), .counter = counter, .blind = blind};
  const absl::Status done = co_await database.Run(
      [&](Transaction& tr) { return AddOnce(tr, &operation); }, load_.transaction_options());
  if (operation.attempts > 1) load_.Count("retried");
  CO_ASSIGN_OR_RETURN(const Outcome outcome, load_.Settle(done));
  if (outcome == Outcome::kCommitted) book_->Acknowledge(operation.id);
  co_return absl::OkStatus();
}

Task<absl::Status> ExactlyOnceWorkload::Check(sim::ClientContext context) {
  ClientDatabase client(context);
  CO_ASSIGN_OR_RETURN(const Rows rows,
                      co_await ReadRows(client.database(), RowsOf(load_.prefix())));
  const std::string done = load_.prefix() + kDone + "/";
  Rows attempts;
  std::vector<uint64_t> counts(book_->counters());
  for (const auto& [key, value] : rows) {
    if (key.starts_with(done)) {
      attempts[key.substr(done.size())] = value;
      continue;
    }
    const std::optional<uint64_t> counter = NumberOfKey(key);
    if (!counter.has_value() || *counter >= counts.size()) {
      co_return Violated("row " + key + " was written by nobody");
    }
    CO_ASSIGN_OR_RETURN(counts[*counter], DecodeCount(value));
  }
  CO_RETURN_IF_ERROR(load_.NameOperations(book_->Check(attempts, counts)));
  co_return load_.CheckCommits(context);
}

}  // namespace orrery::workloads
