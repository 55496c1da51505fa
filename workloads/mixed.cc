// The draw of a mixture, and running it.
#include "workloads/mixed.h"

#include <utility>

#include "core/async/when_all.h"
#include "core/base/invariant.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

struct DrawnOption {
  const char* name;
  int64_t least;
  int64_t most;
};

struct Kind {
  const char* name;
  std::vector<DrawnOption> options;
};

std::vector<Kind> Kinds() {
  return {
      {"api_fuzz", {{"spaces_per_client", 1, 8}, {"operations_max", 1, 40}}},
      {"atomic_ops", {{"groups", 1, 8}, {"keys", 1, 8}, {"operations_max", 1, 8}}},
      {"bank", {{"accounts", 2, 50}, {"reads_percent", 0, 60}}},
      {"exactly_once", {{"counters", 1, 20}}},
      {"ledger", {{"keys_per_client", 1, 50}, {"reads_percent", 0, 80}, {"value_bytes", 1, 2000}}},
      {"list_append", {{"lists", 1, 20}, {"operations_max", 1, 10}}},
      {"read_your_writes", {{"operations_max", 1, 50}}},
      {"ring", {{"nodes", 4, 300}, {"reads_percent", 0, 30}}},
      {"versionstamps", {}},
  };
}

}  // namespace

std::vector<MixturePart> DrawMixture(Random& random, int64_t transactions_per_second) {
  std::vector<Kind> kinds = Kinds();
  random.Shuffle(kinds.begin(), kinds.end());
  kinds.resize(2 + random.Below(3));
  std::vector<MixturePart> parts;
  for (const Kind& kind : kinds) {
    MixturePart part{.name = kind.name, .options = sim::Options(kind.name)};
    const int64_t share = transactions_per_second / static_cast<int64_t>(kinds.size());
    part.options.Put("transactions_per_second", random.Between(share / 2 + 1, share + share / 2));
    part.options.Put("prefix", std::string("mixed_") + kind.name);
    part.options.Put("commits_min", int64_t{0});
    part.options.Put("in_flight_max", random.Between(1, 100));
    if (random.Chance(OneIn(4))) {
      part.options.Put("timeout", std::to_string(random.Between(1, 20)) + "s");
    }
    for (const DrawnOption& option : kind.options) {
      const int64_t value = random.Between(option.least, option.most);
      if (random.Chance(OneIn(2))) part.options.Put(option.name, value);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

absl::Status MixedWorkload::Configure(const sim::Options& options) {
  ASSIGN_OR_RETURN(transactions_per_second_,
                   options.Integer("transactions_per_second", 60, 4, 1'000'000));
  ASSIGN_OR_RETURN(commits_min_, options.Integer("commits_min", 1, 0, INT64_MAX));
  return absl::OkStatus();
}

Task<absl::Status> MixedWorkload::Setup(sim::ClientContext context) {
  for (const MixturePart& drawn :
       DrawMixture(context.env.random("mixed.parts"), transactions_per_second_)) {
    std::unique_ptr<sim::Workload> workload = make_(drawn.name);
    INVARIANT(workload != nullptr, drawn.name);
    CO_RETURN_IF_ERROR(workload->Configure(drawn.options));
    parts_.push_back({drawn.name, std::move(workload)});
  }
  for (const Part& part : parts_) CO_RETURN_IF_ERROR(co_await part.workload->Setup(context));
  co_return absl::OkStatus();
}

Task<absl::Status> MixedWorkload::Start(sim::ClientContext context, Time deadline) {
  std::vector<Task<absl::Status>> running;
  for (const Part& part : parts_) running.push_back(part.workload->Start(context, deadline));
  const std::vector<absl::Status> ends = co_await WhenAll(std::move(running));
  for (size_t i = 0; i < ends.size(); ++i) {
    if (ends[i].ok()) continue;
    co_return sim::CopyEvidence(ends[i], Violated(parts_[i].name + ": " + Describe(ends[i])));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> MixedWorkload::Check(sim::ClientContext context) {
  for (const Part& part : parts_) {
    const absl::Status verdict = co_await part.workload->Check(context);
    if (verdict.ok()) continue;
    co_return sim::CopyEvidence(verdict, Violated(part.name + ": " + Describe(verdict)));
  }
  const std::map<std::string, int64_t> metrics = Metrics();
  const auto commits = metrics.find("commits");
  if (commits != metrics.end() && commits->second >= commits_min_) co_return absl::OkStatus();
  if (commits_min_ == 0 || context.operations.narrowed()) co_return absl::OkStatus();
  co_return Violated("at least " + std::to_string(commits_min_) + " commits were expected");
}

// The commits of all together, and everything by part.
std::map<std::string, int64_t> MixedWorkload::Metrics() const {
  std::map<std::string, int64_t> metrics;
  for (const Part& part : parts_) {
    for (const auto& [name, value] : part.workload->Metrics()) {
      if (name == "commits") metrics[name] += value;
      metrics[part.name + "_" + name] += value;
    }
  }
  return metrics;
}

}  // namespace orrery::workloads
