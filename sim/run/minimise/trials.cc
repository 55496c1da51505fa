// Running candidates side by side, in order.
#include "sim/run/minimise/trials.h"

#include <map>
#include <utility>

#include "core/base/hash.h"
#include "sim/fault/draw.h"
#include "sim/run/real_time.h"
#include "sim/run/signature.h"

namespace orrery::sim {
namespace {

constexpr Duration kTick = Milliseconds(200);

}  // namespace

struct Trials::Candidate {
  std::optional<RunRequest> request;
  uint64_t key = 0;
};

Trials::Trials(Options options, TrialJournal& journal)
    : options_(std::move(options)), journal_(journal), pool_(options_.jobs) {}

bool Trials::over() const { return !status_.ok() || MonotonicNow() >= options_.until; }

bool Trials::Shows(const RunResult& result) const {
  return !result.passed() && SignatureOf(result) == signature_;
}

RunRequest Trials::RequestOf(std::string plan_text, uint64_t seed) const {
  return {.system = options_.base.system,
          .scenario = options_.base.scenario,
          .seed = seed,
          .plan = std::move(plan_text)};
}

std::optional<bool> Trials::Prepare(Candidate& candidate, FaultPlan plan) {
  plan.clear_outcome();
  const std::string text = FaultPlanToText(plan);
  candidate.key = HashWords(HashBytes(text), static_cast<uint64_t>(ToNanoseconds(time_max_)));
  if (const std::optional<bool> known = journal_.Fails(candidate.key)) return known;
  candidate.request.emplace(RequestOf(text, plan.seed()));
  candidate.request->until = time_max_;
  if (!ValidateRequest(*candidate.request, "candidate").ok()) return false;  // As promised.
  return std::nullopt;
}

// A machine that has no room for another process has it when one of ours has ended.
absl::Status Trials::Start(uint64_t ticket, const RunRequest& request) {
  const absl::Status started = pool_.Start(ticket, request);
  if (!started.ok() && pool_.busy() == 0) status_ = started;
  return started;
}

std::optional<size_t> Trials::FirstFailing(size_t count,
                                           const std::function<FaultPlan(size_t)>& make) {
  std::map<size_t, Candidate> running;
  size_t found = count;  // The lowest known to fail.
  size_t next = 0;
  while (!over()) {
    while (next < found && pool_.busy() < pool_.jobs()) {
      Candidate& candidate = running[next];
      std::optional<bool> verdict = Prepare(candidate, make(next));
      if (!verdict.has_value() && !Start(next, *candidate.request).ok()) {
        running.erase(next);
        break;
      }
      if (verdict.has_value()) running.erase(next);
      if (verdict.value_or(false)) found = next;
      ++next;
    }
    if (pool_.busy() == 0) break;
    options_.tick();
    const std::optional<RunPool::Finished> finished = pool_.Await(kTick);
    if (!finished.has_value()) continue;
    ++runs_;
    const bool fails = Shows(finished->result);
    const absl::Status kept =
        journal_.Add(running.at(finished->ticket).key, fails, finished->result.cpu);
    if (!kept.ok()) status_ = kept;
    running.erase(finished->ticket);
    if (!fails || finished->ticket >= found) continue;
    found = finished->ticket;
    for (auto each = running.upper_bound(found); each != running.end();) {
      pool_.Abandon(each->first);
      each = running.erase(each);
    }
  }
  for (const auto& [ticket, candidate] : running) pool_.Abandon(ticket);
  const bool known = running.empty() && next >= found && found < count;
  return known ? std::optional(found) : std::nullopt;
}

bool Trials::Fails(const FaultPlan& plan) {
  return FirstFailing(1, [&plan](size_t) { return plan; }).has_value();
}

RunResult Trials::Run(const FaultPlan& plan, uint64_t events_max) {
  RunRequest request = RequestOf(FaultPlanToText(plan), plan.seed());
  request.events_max = events_max;
  return Run(request);
}

RunResult Trials::Run(const RunRequest& request) {
  ++runs_;
  status_ = pool_.Start(0, request);
  while (status_.ok()) {
    options_.tick();
    if (std::optional<RunPool::Finished> finished = pool_.Await(kTick)) {
      return std::move(finished->result);
    }
  }
  RunResult none;
  none.failures.push_back({"crash", std::string(status_.message()), Time{}});
  return none;
}

}  // namespace orrery::sim
