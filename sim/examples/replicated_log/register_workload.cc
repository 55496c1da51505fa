// Writing, reading, and comparing with the ledger.
#include "sim/examples/replicated_log/register_workload.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "core/async/sleep.h"
#include "sim/examples/replicated_log/system.h"

namespace orrery::sim::replicated_log {
namespace {

constexpr Duration kOperationTimeout = Seconds(10);
constexpr size_t kOperationsMax = 200;  // Under way at a time, of one client.

absl::Status Violated(const std::string& what) { return Error(ErrorCode::check_failed, what); }

}  // namespace

absl::Status RegisterWorkload::Configure(const Options& options) {
  ASSIGN_OR_RETURN(operations_per_second_,
                   options.Integer("operations_per_second", 100, 1, 100'000));
  ASSIGN_OR_RETURN(reads_percent_, options.Integer("reads_percent", 50, 0, 100));
  ASSIGN_OR_RETURN(keys_per_client_, options.Integer("keys_per_client", 20, 1, 100'000));
  ASSIGN_OR_RETURN(burst_, options.Integer("burst", 1, 1, 1000));
  return absl::OkStatus();
}

Task<absl::Status> RegisterWorkload::Setup(ClientContext context) {
  for (int client = 0; client < context.clients; ++client) {
    for (int64_t i = 0; i < keys_per_client_; ++i) {
      registers_.push_back({.key = std::to_string(client) + "/" + std::to_string(i)});
    }
  }
  // The cluster has elected a leader once a first write is done.
  LogClient client(context.env, ReplicasOf(context.topology));
  for (;;) {
    CO_RETURN_IF_ERROR(co_await Write(client, registers_[0], kOperationTimeout));
    if (registers_[0].acknowledged > 0) co_return absl::OkStatus();
  }
}

Task<absl::Status> RegisterWorkload::Start(ClientContext context, Time deadline) {
  Env& env = context.env;
  OperationStream stream(context, "register");
  LogClient client(env, ReplicasOf(context.topology));
  absl::Status verdict;
  TaskGroup operations(env.executor(), [&](std::string_view, absl::Status status) {
    if (verdict.ok()) verdict = std::move(status);
  });
  // Twice the mean at most, and nothing at least: neither in step nor far apart.
  const Duration mean = Seconds(1) * context.clients * burst_ / operations_per_second_;
  const uint64_t first_own = static_cast<uint64_t>(context.client * keys_per_client_);
  while (verdict.ok() && env.clock().Now() < deadline) {
    for (int64_t i = 0; i < burst_; ++i) {
      auto [ordinal, random] = stream.Next();
      const Duration pause = random.Between(Duration(0), 2 * mean);
      if (i == 0) co_await Sleep(env.clock(), pause);
      const bool reads = random.Below(100) < static_cast<uint64_t>(reads_percent_);
      Register& target =
          reads ? registers_[random.Below(registers_.size())]
                : registers_[first_own + random.Below(static_cast<uint64_t>(keys_per_client_))];
      if (!stream.Begins(ordinal) || operations.size() >= kOperationsMax) continue;
      operations.Spawn(reads ? "read" : "write",
                       stream.Run(ordinal, reads ? Read(client, target, kOperationTimeout)
                                                 : Write(client, target, kOperationTimeout)));
    }
  }
  co_await operations.Join();
  co_return verdict;
}

Task<absl::Status> RegisterWorkload::Write(LogClient& client, Register& target, Duration timeout) {
  if (target.writing) co_return absl::OkStatus();
  target.writing = true;
  const uint64_t number = ++target.issued;
  LogClient::Entries entries;
  entries.emplace_back(target.key, std::to_string(number));
  const absl::Status done = co_await client.Put(std::move(entries), timeout);
  target.writing = false;
  ++metrics_[done.ok() ? "writes" : "writes_unknown"];
  if (done.ok()) target.acknowledged = std::max(target.acknowledged, number);
  co_return absl::OkStatus();
}

Task<absl::Status> RegisterWorkload::Read(LogClient& client, Register& target, Duration timeout) {
  const uint64_t least = std::max(target.acknowledged, target.seen);
  const absl::StatusOr<std::optional<std::string>> value = co_await client.Get(target.key, timeout);
  if (!value.ok()) {
    ++metrics_["reads_failed"];
    co_return absl::OkStatus();
  }
  ++metrics_["reads"];
  uint64_t number = 0;
  if (value->has_value()) {
    const std::string& text = **value;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number == 0) {
      co_return Violated("key " + target.key + " has a value that nobody wrote: " + text);
    }
  }
  if (number < least) {
    co_return Violated("key " + target.key + ": read " + std::to_string(number) + " after " +
                       std::to_string(least) + " had been acknowledged or read");
  }
  if (number > target.issued) {
    co_return Violated("key " + target.key + ": read " + std::to_string(number) + ", but only " +
                       std::to_string(target.issued) + " had been written");
  }
  target.seen = std::max(target.seen, number);
  co_return absl::OkStatus();
}

Task<absl::Status> RegisterWorkload::Check(ClientContext context) {
  LogClient client(context.env, ReplicasOf(context.topology));
  const int64_t failed = metrics_["reads_failed"];
  for (Register& each : registers_) {
    CO_RETURN_IF_ERROR(co_await Read(client, each, Seconds(30)));
  }
  if (metrics_["reads_failed"] != failed) co_return Violated("a last read got no answer");
  const auto at_least = std::count_if(registers_.begin(), registers_.end(),
                                      [](auto& r) { return r.ever_acknowledged(); });
  const auto at_most =
      std::count_if(registers_.begin(), registers_.end(), [](auto& r) { return r.issued > 0; });
  CO_ASSIGN_OR_RETURN(const uint64_t keys, co_await client.Count(Seconds(30)));
  if (keys < static_cast<uint64_t>(at_least) || keys > static_cast<uint64_t>(at_most)) {
    co_return Violated(std::to_string(keys) + " keys, not " + std::to_string(at_least) + " to " +
                       std::to_string(at_most));
  }
  co_return co_await CompareReplicas(client);
}

// Replicas that applied equally many commands must have applied the same.
Task<absl::Status> RegisterWorkload::CompareReplicas(LogClient& client) {
  std::map<uint64_t, std::pair<uint32_t, uint64_t>> by_index;  // To a replica and its digest.
  for (uint32_t replica = 1; replica <= client.replicas(); ++replica) {
    CO_ASSIGN_OR_RETURN(const StatusReply status, co_await client.Status(replica, Seconds(30)));
    const auto [same, first] =
        by_index.emplace(status.applied_index(), std::pair(replica, status.digest()));
    if (!first && same->second.second != status.digest()) {
      co_return Violated("replicas " + std::to_string(same->second.first) + " and " +
                         std::to_string(replica) + " differ after " +
                         std::to_string(status.applied_index()) + " commands");
    }
  }
  co_return absl::OkStatus();
}

std::map<std::string, int64_t> RegisterWorkload::Metrics() const { return metrics_; }

}  // namespace orrery::sim::replicated_log
