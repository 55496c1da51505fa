// Writing stamps and reading them.
#include "workloads/versionstamps.h"

#include <optional>

#include "core/base/fixed.h"
#include "storage/log/atomic_operations.h"
#include "workloads/system/client_database.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

constexpr char kByStamp[] = "/stamp/";
constexpr char kByOperation[] = "/operation";

// `before`, then room for a stamp, then `after`, then where the room is.
std::string Stamped(std::string_view before, std::string_view after) {
  std::string text(before);
  text.append(kVersionstampBytes, '\0').append(after);
  AppendFixed(text, static_cast<uint32_t>(before.size()));
  return text;
}

}  // namespace

absl::Status VersionstampsWorkload::Configure(const sim::Options& options) {
  return load_.Configure(options, "versionstamps");
}

Task<absl::Status> VersionstampsWorkload::Setup(sim::ClientContext) { co_return absl::OkStatus(); }

Task<absl::Status> VersionstampsWorkload::Start(sim::ClientContext context, Time deadline) {
  ClientDatabase client(context);
  co_return co_await load_.Drive(context, deadline, [&](Random random, ClientOperation by) {
    return Stamp(client.database(), by, random.Chance(OneIn(2)));
  });
}

// Every row ends with a tail after its stamp, so that stamps in the middle are tried too.
absl::Status VersionstampsWorkload::Write(Transaction& transaction, size_t index) const {
  const std::string number = std::to_string(index);
  RETURN_IF_ERROR(transaction.Atomic(MutationType::kSetVersionstampedKey,
                                     Stamped(load_.prefix() + kByStamp, "/key"), number));
  return transaction.Atomic(MutationType::kSetVersionstampedValue,
                            NumberedKey(load_.prefix() + kByOperation, index),
                            Stamped(number + "=", ""));
}

// With `promise` the stamp is asked for by GetVersionstamp too, and must be the same.
Task<absl::Status> VersionstampsWorkload::Stamp(Database& database, ClientOperation by,
                                                bool promise) {
  const size_t index = history_.commits.size();
  StampedCommit& begun = history_.commits.emplace_back();
  begun.by = by;
  begun.begin = ++moments_;
  Transaction transaction = database.Begin();
  transaction.options() = load_.transaction_options();
  for (;;) {
    CO_RETURN_IF_ERROR(Write(transaction, index));
    std::optional<Future<absl::StatusOr<std::string>>> promised;
    if (promise) promised.emplace(transaction.GetVersionstamp());
    const absl::StatusOr<CommitResult> result = co_await transaction.Commit();
    if (result.ok()) {
      StampedCommit& commit = history_.commits[index];
      commit.end = ++moments_;
      commit.acknowledged = true;
      commit.version = result->version;
      commit.stamp = result->versionstamp;
      load_.Count("commits");
      if (!promised.has_value()) co_return absl::OkStatus();
      const absl::StatusOr<std::string> stamp = co_await *std::move(promised);
      if (stamp.ok() && *stamp == result->versionstamp) co_return absl::OkStatus();
      co_return Violated("GetVersionstamp gave another stamp than the commit: " +
                         (stamp.ok() ? "it differs" : Describe(stamp.status())));
    }
    promised.reset();
    const absl::Status again = co_await transaction.OnError(result.status());
    if (!again.ok()) co_return load_.Settle(again).status();
    load_.Count("retries");
  }
}

Task<absl::Status> VersionstampsWorkload::Check(sim::ClientContext context) {
  ClientDatabase client(context);
  CO_ASSIGN_OR_RETURN(const Rows rows,
                      co_await ReadRows(client.database(), RowsOf(load_.prefix())));
  const std::string by_stamp = load_.prefix() + kByStamp;
  for (const auto& [key, value] : rows) {
    const std::string number = value.substr(0, value.find('='));
    const std::optional<uint64_t> operation = ParseNumber(number);
    const bool of_stamp = key.starts_with(by_stamp);
    if (!operation.has_value() || (!of_stamp && NumberOfKey(key) != operation)) {
      co_return Violated("row " + key + " was written by nobody");
    }
    if (of_stamp) {
      history_.operation_of_stamp.emplace_back(key.substr(by_stamp.size(), kVersionstampBytes),
                                               *operation);
    } else {
      history_.stamp_of_operation[*operation] = value.substr(number.size() + 1);
    }
  }
  CO_RETURN_IF_ERROR(load_.NameOperations(CheckStampHistory(history_)));
  co_return load_.CheckCommits(context);
}

}  // namespace orrery::workloads
