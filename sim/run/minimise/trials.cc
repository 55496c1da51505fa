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

// A question of FirstFailing, while it is answered.
struct Trials::Asked {
  const std::function<FaultPlan(size_t)>& make;
  size_t found;  // The lowest known to fail; at first the number of candidates.
  size_t next = 0;
  std::map<size_t, Candidate> running = {};
};

Trials::Trials(Options options, TrialJournal& journal)
    : options_(std::move(options)), journal_(journal), pool_(options_.jobs) {}

bool Trials::over() const {
  return !status_.ok() || MonotonicNow() >= options_.until || options_.interrupted();
}

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

bool Trials::Tells(const RunResult& result) {
  if (result.passed()) return true;
  const RunFailure& failure = result.failures.front();
  if (failure.kind == "start") status_ = Error(ErrorCode::platform_error, failure.text);
  if (WasKilled(result)) {
    status_ = Error(ErrorCode::platform_error,
                    "a run is killed whenever it is made (" + failure.text +
                        "): has the machine too little memory for --jobs " +
                        std::to_string(options_.jobs) + "? The same command goes on");
  }
  return status_.ok();
}

void Trials::Fill(Asked& asked) {
  while (asked.next < asked.found && pool_.busy() < pool_.jobs()) {
    Candidate& candidate = asked.running[asked.next];
    const std::optional<bool> verdict = Prepare(candidate, asked.make(asked.next));
    if (!verdict.has_value() && !Start(asked.next, *candidate.request).ok()) {
      asked.running.erase(asked.next);
      return;
    }
    if (verdict.has_value()) asked.running.erase(asked.next);
    if (verdict.value_or(false)) asked.found = asked.next;
    ++asked.next;
  }
}

std::optional<size_t> Trials::FirstFailing(size_t count,
                                           const std::function<FaultPlan(size_t)>& make) {
  Asked asked{.make = make, .found = count};
  std::map<size_t, Candidate>& running = asked.running;
  while (!over()) {
    Fill(asked);
    if (pool_.busy() == 0) break;
    options_.tick();
    const std::optional<RunPool::Finished> finished = pool_.Await(kTick);
    if (!finished.has_value()) continue;
    ++runs_;
    const size_t index = finished->ticket;
    if (!Tells(finished->result)) break;
    const bool fails = Shows(finished->result);
    const absl::Status kept = journal_.Add(running.at(index).key, fails, finished->result.cpu);
    if (!kept.ok()) status_ = kept;
    running.erase(index);
    if (!fails || index >= asked.found) continue;
    asked.found = index;
    for (auto each = running.upper_bound(index); each != running.end();) {
      pool_.Abandon(each->first);
      each = running.erase(each);
    }
  }
  for (const auto& [ticket, candidate] : running) pool_.Abandon(ticket);
  const bool known = running.empty() && asked.next >= asked.found && asked.found < count;
  return known ? std::optional(asked.found) : std::nullopt;
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
  std::optional<RunPool::Finished> finished;
  status_ = pool_.Start(0, request);
  while (status_.ok() && !finished.has_value()) {
    options_.tick();
    finished = pool_.Await(kTick);
  }
  if (finished.has_value() && Tells(finished->result)) return std::move(finished->result);
  RunResult none;
  none.failures = {{"crash", std::string(status_.message()), Time{}}};
  return none;
}

}  // namespace orrery::sim
