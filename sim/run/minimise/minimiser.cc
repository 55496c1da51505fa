// The steps of a minimisation, in order.
#include "sim/run/minimise/minimiser.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <numeric>
#include <optional>
#include <utility>

#include "sim/fault/draw.h"
#include "sim/run/narrow.h"
#include "sim/run/phases.h"
#include "sim/run/report.h"
#include "sim/run/signature.h"
#include "sim/run/system.h"

namespace orrery::sim {
namespace {

constexpr char kTopologyPrefix[] = "topology.";
constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSmallValue = 8;  // Up to it every lower value is tried.
// A candidate may fail this much later than the plan before it, if that is more than half of its
// faults phase again.
constexpr Duration kLaterMin = Seconds(5);
// Beyond as many operations, leaving out one by one takes long and gives little to read.
constexpr uint64_t kManyOperations = 20;
constexpr size_t kCoarse = 16;       // Granularity that is tried before.
constexpr size_t kChancesMax = 100;  // For each half of the operations.
constexpr int kHalvingsMax = 8;      // Of a window or a duration, in one round.

absl::Status Refused(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

// Parts of a time, smallest first, of whole milliseconds where there are some.
std::vector<int64_t> Shorter(int64_t value) {
  std::vector<int64_t> shorter;
  for (const int64_t sixteenths : {1, 2, 4, 8, 12}) {
    int64_t part = value / 16 * sixteenths;
    if (part > kMillisecond) part -= part % kMillisecond;
    if (part > 0 && part < value) shorter.push_back(part);
  }
  return shorter;
}

std::vector<int64_t> LowerValues(int64_t value) {
  std::vector<int64_t> lower;
  for (int64_t v = 1; v < std::min(value, kSmallValue); ++v) lower.push_back(v);
  for (const int64_t v : {value / 4, value / 2, value - 1}) {
    if (value > kSmallValue && v > lower.back()) lower.push_back(v);
  }
  return lower;
}

std::optional<int64_t> WholeNumber(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

TopologyValue& TopologyOf(FaultPlan& plan, const std::string& name) {
  for (TopologyValue& value : *plan.mutable_topology()) {
    if (value.name() == name) return value;
  }
  TopologyValue& value = *plan.add_topology();
  value.set_name(name);
  return value;
}

}  // namespace

Minimiser::Minimiser(const RunRequest& original, Trials& trials,
                     const std::function<void()>& changed)
    : original_(original), trials_(trials), changed_(changed) {}

void Minimiser::Enter(const char* phase) {
  state_.phase = phase;
  changed_();
}

void Minimiser::Improve(FaultPlan plan) {
  best_ = std::move(plan);
  const Duration simulated = state_.now.simulated;
  state_.now = SizeOf(best_);
  state_.now.machines = DeployedBy(best_).machines.size();
  if (!best_.has_schedule()) state_.now.windows = state_.before.windows;
  state_.now.simulated = simulated;
  changed_();
}

absl::Status Minimiser::Begin() {
  Enter("first runs");
  original_run_ = trials_.Run(original_);
  RETURN_IF_ERROR(trials_.status());
  if (original_run_.passed()) {
    return Refused("passes (seed " + std::to_string(original_.seed) +
                   "): there is no failure to minimise");
  }
  signature_ = SignatureOf(original_run_);
  const RunResult again = trials_.Run(original_);
  RETURN_IF_ERROR(trials_.status());
  const std::string other = again.passed() ? "it passed" : SignatureOf(again);
  if (other != signature_ || again.hash != original_run_.hash) {
    return Refused("does not fail twice the same: \"" + signature_ + "\" with hash " +
                   HashText(original_run_.hash) + ", then \"" + other + "\" with hash " +
                   HashText(again.hash) + "; sim --check finds the first divergent event");
  }
  trials_.set_signature(signature_);
  return absl::OkStatus();
}

absl::StatusOr<Minimiser::Look> Minimiser::LookAt(const FaultPlan& plan) {
  Look look{.run = trials_.Run(plan)};
  RETURN_IF_ERROR(trials_.status());
  look.phase = look.run.phase;
  if (!look.phase.empty()) return look;
  // Its process died and told nothing of what it had done: what it told just before tells it.
  const RunResult before = trials_.Run(plan, look.run.events);
  RETURN_IF_ERROR(trials_.status());
  look.phase = before.phase;
  look.run.faults_begun = before.faults_begun;
  look.run.operations = before.operations;
  for (auto& [name, asked] : look.run.operations) ++asked;  // It may have died of the next.
  return look;
}

// What the original plan leaves to the scenario and the seed, said: nothing else changes.
FaultPlan Minimiser::Explicit() const {
  FaultPlan plan = WithListedOperations(best_, look_.run.operations);
  for (const auto& [name, value] : original_run_.drawn) {
    if (!name.starts_with(kTopologyPrefix)) continue;
    std::string text = value;
    if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
    TopologyOf(plan, name.substr(sizeof kTopologyPrefix - 1)).set_value(text);
  }
  return plan;
}

PlanSize Minimiser::OriginalSize(const FaultPlan& plan) const {
  PlanSize size = SizeOf(WithListedOperations(plan, look_.run.operations));
  const Deployed deployed = DeployedBy(plan);
  size.machines = deployed.machines.size();
  size.simulated = look_.run.simulated - Time{};
  // Drawn everywhere: a window for each process, and the world's own.
  if (!plan.has_schedule()) size.windows = deployed.processes.size() + 1;
  return size;
}

absl::StatusOr<Minimised> Minimiser::Minimise() {
  ASSIGN_OR_RETURN(best_, FaultPlanFromText(original_run_.plan));
  ASSIGN_OR_RETURN(look_, LookAt(best_));
  if (!trials_.Shows(look_.run)) {
    return Refused(
        "its plan, saved and replayed, does not fail the same; the program has a defect");
  }
  state_.before = state_.now = OriginalSize(best_);
  RETURN_IF_ERROR(Measure());
  const FaultPlan said = Explicit();
  if (trials_.Fails(said)) Improve(said);
  if (!look_.in_faults()) ReduceDuration();
  for (std::string last; !trials_.over() && last != FaultPlanToText(best_);) {
    last = FaultPlanToText(best_);
    RETURN_IF_ERROR(Round());
  }
  RETURN_IF_ERROR(trials_.status());

  Minimised minimised{.plan = best_, .signature = signature_, .before = state_.before};
  minimised.complete = !trials_.over();
  Enter("last run");
  ASSIGN_OR_RETURN(look_, LookAt(best_));
  if (!trials_.Shows(look_.run)) {
    return Error(ErrorCode::internal_error,
                 "the plan that was found does not fail any more: a verdict in the state is of "
                 "another program; delete the state and begin anew");
  }
  minimised.run = look_.run;
  minimised.after = state_.now;
  minimised.after.simulated = look_.run.simulated - Time{};
  PlannedOutcome& outcome = *minimised.plan.mutable_outcome();
  outcome.set_hash(HashText(look_.run.hash));
  outcome.set_signature(signature_);
  outcome.set_events(look_.run.events);
  return minimised;
}

absl::Status Minimiser::Measure() {
  if (trials_.over()) return trials_.status();
  ASSIGN_OR_RETURN(look_, LookAt(best_));
  state_.now.simulated = look_.run.simulated - Time{};
  trials_.set_time_max(kNever);
  if (!look_.early()) return absl::OkStatus();
  const Duration phase = look_.run.simulated - look_.run.faults_begun;
  trials_.set_time_max(look_.run.simulated + std::max(kLaterMin, phase / 2));
  if (!look_.in_faults()) return absl::OkStatus();
  // What would come after the failure.
  const Duration until_failed = Milliseconds(ToMilliseconds(phase) + 2);
  FaultPlan cut = WithListedOperations(best_, look_.run.operations);
  if (best_.duration_ns() == 0 || ToNanoseconds(until_failed) < best_.duration_ns()) {
    cut = WithDuration(cut, until_failed);
  }
  if (FaultPlanToText(cut) != FaultPlanToText(best_) && trials_.Fails(cut)) Improve(cut);
  return absl::OkStatus();
}

absl::Status Minimiser::Round() {
  Enter("faults");
  Reduce(FaultsOf(best_));
  RETURN_IF_ERROR(Measure());
  Enter("operations");
  RETURN_IF_ERROR(ReduceOperations());
  RETURN_IF_ERROR(Measure());
  Enter("order");
  ReduceSchedule();
  Enter("knobs");
  Reduce(KnobsOf(best_));
  Enter("topology");
  ReduceTopology();
  ReduceClients();
  RETURN_IF_ERROR(Measure());
  Enter("what is left");
  Soften();
  if (!look_.in_faults()) ReduceDuration();
  return Measure();
}

namespace {

// ddmin on the parts of a plan.
class PartsTest final : public SubsetTest {
 public:
  PartsTest(const PlanParts& parts, Trials& trials) : parts_(parts), trials_(trials) {}

  std::optional<size_t> FirstFailing(size_t count,
                                     const std::function<Subset(size_t)>& make) override {
    return trials_.FirstFailing(count, [&](size_t i) { return parts_.keep(make(i)); });
  }
  bool over() const override { return trials_.over(); }

 private:
  const PlanParts& parts_;
  Trials& trials_;
};

}  // namespace

bool Minimiser::Reduce(const PlanParts& parts, size_t granularity_max) {
  if (parts.count == 0 || trials_.over()) return false;
  Subset all(parts.count);
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  PartsTest test(parts, trials_);
  const Subset minimal = Minimal(all, test, granularity_max);
  if (minimal.size() == all.size()) return false;
  Improve(parts.keep(minimal));
  return true;
}

bool Minimiser::TakeFirst(size_t count, const std::function<FaultPlan(size_t)>& make) {
  const std::optional<size_t> first = trials_.FirstFailing(count, make);
  if (first.has_value()) Improve(make(*first));
  return first.has_value();
}

void Minimiser::ReduceDuration() {
  for (int i = 0; i < kHalvingsMax && !trials_.over(); ++i) {
    const int64_t duration =
        best_.duration_ns() != 0 ? best_.duration_ns() : ToNanoseconds(original_.scenario.duration);
    const std::vector<int64_t> shorter = Shorter(duration);
    if (!TakeFirst(shorter.size(),
                   [&](size_t k) { return WithDuration(best_, Nanoseconds(shorter[k])); })) {
      return;
    }
  }
}

absl::Status Minimiser::ReduceOperations() {
  Reduce(WorkloadsOf(best_));
  Reduce(ClientsOf(best_));
  Reduce(OperationsOf(best_), kCoarse);
  while (state_.now.operations > kManyOperations && ShakeOperations()) {
    RETURN_IF_ERROR(Measure());
    Reduce(OperationsOf(best_), kCoarse);
  }
  Reduce(OperationsOf(best_));
  return trials_.status();
}

// Spans of half of the operations, which leave those within as dense as they are, under one chance
// after the other. The last first: what was done wrong shows soon.
bool Minimiser::ShakeOperations() {
  constexpr size_t kBeginQuarters[] = {2, 0, 1};
  constexpr size_t kSpans = std::size(kBeginQuarters);
  const PlanParts parts = OperationsOf(best_);
  return TakeFirst(kSpans * kChancesMax, [&](size_t i) {
    Subset span(parts.count / 2);
    std::iota(span.begin(), span.end(), parts.count * kBeginQuarters[i % kSpans] / 4);
    FaultPlan less = parts.keep(span);
    less.set_chance(best_.chance() + i / kSpans);
    return less;
  });
}

void Minimiser::ReduceSchedule() {
  if (!best_.has_schedule()) {
    FaultPlan in_order = best_;
    in_order.mutable_schedule();
    if (TakeFirst(1, [&](size_t) { return in_order; })) return;
    FaultPlan drawn = in_order;
    std::set<std::string> processes = DeployedBy(best_).processes;
    processes.insert("");
    for (const std::string& process : processes) {
      PlannedWindow& window = *drawn.mutable_schedule()->add_drawn();
      window.set_process(process);
      window.set_to_ns(ToNanoseconds(look_.run.simulated) + kMillisecond);
    }
    if (!TakeFirst(1, [&](size_t) { return drawn; })) return;
  }
  Reduce(WindowsOf(best_));
  for (int i = 0; i < kHalvingsMax && best_.schedule().drawn_size() > 0; ++i) {
    const FaultPlan whole = best_;
    Improve(WithHalvedWindows(whole));  // Means the same.
    const bool reduced = Reduce(WindowsOf(best_));
    Improve(WithMergedWindows(best_));
    if (!reduced) return;
  }
}

void Minimiser::ReduceTopology() {
  std::set<std::string> names;
  for (const TopologyValue& value : best_.topology()) names.insert(value.name());
  for (const auto& [name, value] : original_.scenario.topology.List()) {
    if (std::holds_alternative<int64_t>(value)) names.insert(name);
  }
  for (const std::string& name : names) ReduceTopologyValue(name);
}

void Minimiser::ReduceTopologyValue(const std::string& name) {
  FaultPlan plan = best_;
  TopologyValue& value = TopologyOf(plan, name);
  if (value.value().empty()) value.set_value(ToText(*original_.scenario.topology.ValueOf(name)));
  const std::optional<int64_t> number = WholeNumber(value.value());
  if (!number.has_value() || *number <= 1) return;
  const std::vector<int64_t> lower = LowerValues(*number);
  TakeFirst(lower.size(), [&](size_t i) {
    FaultPlan less = plan;
    TopologyOf(less, name).set_value(std::to_string(lower[i]));
    return Fitted(less);
  });
}

void Minimiser::ReduceClients() {
  const int clients =
      best_.clients() != 0 ? static_cast<int>(best_.clients()) : original_.scenario.clients;
  TakeFirst(static_cast<size_t>(clients - 1), [&](size_t i) {
    FaultPlan less = best_;
    less.set_clients(static_cast<uint32_t>(i + 1));
    return Fitted(less);
  });
}

void Minimiser::Soften() {
  for (int i = 0; i < best_.faults_size() && !trials_.over(); ++i) SoftenFault(i);
  Reduce(OddTimesOf(best_));
}

void Minimiser::SoftenFault(int index) {
  Reduce(TargetsOf(best_, index));
  for (int i = 0; i < kHalvingsMax; ++i) {
    const std::vector<int64_t> shorter = Shorter(best_.faults(index).for_ns());
    const bool taken = TakeFirst(shorter.size(), [&](size_t k) {
      FaultPlan less = best_;
      less.mutable_faults(index)->set_for_ns(shorter[k]);
      return less;
    });
    if (!taken) return;
  }
}

Minimiser::Deployed Minimiser::DeployedBy(const FaultPlan& plan) const {
  Deployed deployed;
  const absl::StatusOr<Scenario> scenario = Narrow(original_.scenario, plan, "candidate");
  if (!scenario.ok()) return deployed;
  const absl::StatusOr<Deployment> deployment =
      DeployNarrowed(original_.system, *scenario, plan.seed());
  if (!deployment.ok()) return deployed;
  for (const Deployment::MachineWithProcesses& each : deployment->machines) {
    deployed.machines.insert(each.machine.name);
    for (const ProcessSpec& process : each.processes) deployed.processes.insert(process.name);
  }
  deployed.clients = scenario->clients;
  for (int i = 0; i < scenario->clients; ++i) {
    deployed.machines.insert(ClientName(i));
    deployed.processes.insert(ClientName(i));
  }
  return deployed;
}

FaultPlan Minimiser::Fitted(const FaultPlan& plan) const {
  Deployed deployed = DeployedBy(plan);
  if (deployed.machines.empty()) return plan;  // It will be refused.
  std::set<std::string> names = deployed.machines;
  names.merge(deployed.processes);
  return WithoutMissing(plan, names, deployed.clients);
}

}  // namespace orrery::sim
