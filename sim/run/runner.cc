// Building the world of a run, running it, and gathering its result.
#include "sim/run/runner.h"

#include <google/protobuf/text_format.h>

#include <memory>
#include <optional>

#include "core/async/frame_pool.h"
#include "core/base/invariant.h"
#include "core/knobs/knobs.h"
#include "core/observe/probe.h"
#include "sim/fault/draw.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/fault/injector.h"
#include "sim/run/narrow.h"
#include "sim/run/operations.h"
#include "sim/run/phases.h"
#include "sim/run/real_time.h"
#include "sim/run/run_knobs.h"
#include "sim/run/run_watch.h"
#include "sim/run/system.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

// The order says who wins: drawn, scenario, plan, command line.
absl::Status SetKnobs(const RunRequest& request, const FaultPlan* plan, KnobSet& knobs) {
  AddAllKnobs(request.system, knobs);
  for (const Scenario::FixedKnob& knob : request.scenario.knobs) {
    RETURN_IF_ERROR(knobs.Set(knob.name, knob.value));
  }
  if (plan != nullptr) {
    for (const KnobValue& knob : plan->knobs())
      RETURN_IF_ERROR(knobs.Set(knob.name(), knob.value()));
  }
  for (const std::string& knob : request.knobs) RETURN_IF_ERROR(knobs.SetFromText(knob));
  if (plan == nullptr && request.scenario.randomise_knobs) knobs.Randomise(request.seed);
  return absl::OkStatus();
}

std::string Place(const MachineSpec& machine) {
  std::string place;
  for (const auto& [kind, name] :
       {std::pair("zone ", &machine.zone), std::pair("data center ", &machine.data_center),
        std::pair("region ", &machine.region)}) {
    if (!name->empty()) place += (place.empty() ? "" : ", ") + (kind + *name);
  }
  return place;
}

// Everything that one run owns, torn down in reverse order.
class Run {
 public:
  Run(const RunRequest& request, RunMonitor& monitor)
      : request_(request),
        monitor_(monitor),
        watch_(request, monitor, result_),
        operations_(request.seed) {
    result_.seed = request.seed;
    result_.scenario = request.scenario.name;
  }

  // False when a file cannot be opened or the plan does not fit, the validation notwithstanding.
  bool Build();
  void Go(Duration begin);
  RunResult TakeResult() { return std::move(result_); }

 private:
  absl::Status Narrow();
  void BuildWorld(const Deployment& deployment);
  void BuildPlan();
  void Describe();
  void Gather(const Phases& phases, Duration begin);
  void TearDown();
  void Fail(std::string kind, const absl::Status& status) {
    result_.failures.push_back({.kind = std::move(kind), .text = std::string(status.message())});
  }

  const RunRequest& request_;
  RunMonitor& monitor_;
  const size_t frames_before_ = FramePool::live();
  RunResult result_;
  RunWatch watch_;
  Scenario scenario_;     // As the plan narrows it.
  Options topology_{""};  // What clients are given.
  Operations operations_;
  std::optional<Schedule> schedule_;
  KnobSet knobs_;
  std::unique_ptr<FaultPlan> plan_;
  std::unique_ptr<World> world_;
  std::vector<std::unique_ptr<Workload>> workloads_;
  std::unique_ptr<SurvivalPolicy> policy_;
  std::unique_ptr<Injector> injector_;
};

bool Run::Build() {
  if (!request_.plan.empty()) {
    absl::StatusOr<FaultPlan> plan = FaultPlanFromText(request_.plan);
    if (!plan.ok()) return Fail("plan", plan.status()), false;
    plan_ = std::make_unique<FaultPlan>(*std::move(plan));
  }
  const absl::Status narrowed = Narrow();
  if (!narrowed.ok()) return Fail("plan", narrowed), false;
  const absl::Status knobs = SetKnobs(request_, plan_.get(), knobs_);
  if (!knobs.ok()) return Fail("plan", knobs), false;
  if (std::optional<RunFailure> failure = watch_.Open()) {
    result_.failures.push_back(*std::move(failure));
    return false;
  }
  for (const Scenario::WorkloadTable& table : request_.scenario.workloads) {
    workloads_.push_back(request_.system.MakeWorkload(table.name));
    const absl::Status configured = workloads_.back()->Configure(table.options);
    INVARIANT(configured.ok(), "a scenario is validated before", std::string(configured.message()));
  }
  const absl::StatusOr<Deployment> deployment =
      DeployNarrowed(request_.system, scenario_, request_.seed);
  if (!deployment.ok()) return Fail("setup", deployment.status()), false;
  BuildWorld(*deployment);
  BuildPlan();
  const absl::Status fits = Injector::Validate(*world_, *plan_);
  if (!fits.ok()) return Fail("plan", fits), false;
  policy_ = request_.system.MakeSurvivalPolicy(*world_);
  injector_ = std::make_unique<Injector>(*world_, *plan_, *policy_);
  Describe();
  return true;
}

absl::Status Run::Narrow() {
  scenario_ = request_.scenario;
  if (plan_ != nullptr) {
    ASSIGN_OR_RETURN(scenario_, sim::Narrow(request_.scenario, *plan_, "the plan"));
    ASSIGN_OR_RETURN(operations_, Operations::Of(*plan_, request_.seed));
    schedule_ = ScheduleOf(*plan_);
  }
  topology_ = scenario_.topology;
  return absl::OkStatus();
}

void Run::BuildWorld(const Deployment& deployment) {
  const RunKnobs& bounds = knobs_.Get<RunKnobs>();
  world_ = std::make_unique<World>(World::Options{
      .seed = request_.seed,
      .chance = plan_ != nullptr ? plan_->chance() : 0,
      .knobs = &knobs_,
      .trace = watch_.trace(),
      .trace_level = watch_.trace_level(),
      .buggify = request_.scenario.buggify,
      .process_memory_bytes = static_cast<uint64_t>(bounds.run_process_memory_bytes_max),
      .schedule = schedule_.has_value() ? &*schedule_ : nullptr});
  for (const Deployment::MachineWithProcesses& each : deployment.machines) {
    Machine& machine = world_->AddMachine(each.machine);
    std::string processes;
    for (const ProcessSpec& process : each.processes) {
      world_->AddProcess(machine, process);
      processes += " " + process.name;
    }
    result_.deployment.emplace_back(each.machine.name, Place(each.machine) + ":" + processes);
  }
  AddClients(*world_, scenario_.clients);
  watch_.Begin(*world_);
  for (const auto& [name, value] : deployment.drawn) {
    topology_.Put(name, value);
    result_.drawn.emplace_back("topology." + name, ToText(value));
  }
}

void Run::BuildPlan() {
  if (plan_ == nullptr) {
    plan_ = std::make_unique<FaultPlan>();
    const Scenario& scenario = request_.scenario;
    if (!scenario.faults.kinds.empty()) {
      *plan_ = DrawFaultPlan(*world_, {.kinds = scenario.faults.kinds,
                                       .duration = scenario.duration,
                                       .mean_interval = scenario.faults.mean_interval});
    }
  }
  plan_->clear_outcome();  // Of another run.
  plan_->set_version(kPlanVersion);
  plan_->set_seed(request_.seed);
  plan_->set_scenario(request_.scenario.name);
  plan_->clear_knobs();
  for (const KnobSet::Value& knob : knobs_.List()) {
    if (knob.is_default) continue;
    KnobValue* const value = plan_->add_knobs();
    value->set_name(knob.info->name);
    value->set_value(knob.value);
    result_.knobs.emplace_back(knob.info->name, knob.value);
  }
}

void Run::Describe() {
  result_.drawn.insert(result_.drawn.end(), world_->drawn().begin(), world_->drawn().end());
  result_.plan = FaultPlanToText(*plan_);
  for (const Fault& fault : plan_->faults()) {
    std::string line;
    google::protobuf::TextFormat::Printer printer;
    printer.SetSingleLineMode(true);
    printer.PrintToString(fault, &line);
    while (line.ends_with(' ')) line.pop_back();
    result_.plan_lines.push_back(std::move(line));
  }
  for (const ProbeSite& site : AllProbeSites()) result_.probes[site.name] = 0;
  monitor_.Known(result_);
}

void Run::Go(Duration begin) {
  {
    Phases phases(request_, scenario_, topology_, operations_, *world_, *injector_, workloads_,
                  monitor_);
    phases.Run();
    Gather(phases, begin);
    monitor_.Known(result_);
    TearDown();
  }
  if (const size_t left = FramePool::live();
      left > frames_before_ && result_.passed() && !result_.stopped) {
    result_.failures.push_back(
        {.kind = "leak",
         .text = std::to_string(left - frames_before_) +
                 " coroutine frames or future states outlive the world; what holds a Task must "
                 "die with its process",
         .time = result_.simulated,
         .event = result_.notes});
  }
}

void Run::Gather(const Phases& phases, Duration begin) {
  Timeline& timeline = world_->timeline();
  result_.stopped = phases.stopped();
  for (size_t i = 0; i < workloads_.size(); ++i) {
    for (const auto& [name, value] : workloads_[i]->Metrics()) {
      const std::string full = request_.scenario.workloads[i].name + "." + name;
      result_.metrics[full] += value;
      if (result_.stopped) continue;  // Its hash is that of the same part of a whole run.
      timeline.Note(Happening::kWorkload, HashBytes(full), static_cast<uint64_t>(value));
    }
  }
  for (const Failure& failure : world_->failures()) {
    result_.failures.push_back(
        {.kind = failure.kind, .text = failure.text, .time = failure.time, .event = failure.event});
  }
  for (const auto& [failure, evidence] : phases.evidence()) {
    result_.failures[failure].evidence = evidence;
  }
  result_.phase = phases.phase();
  result_.faults_begun = phases.faults_begun();
  result_.operations = operations_.asked();
  result_.hash = timeline.hash();
  result_.events = timeline.events();
  result_.notes = timeline.notes();
  result_.simulated = world_->Now();
  result_.start = phases.first_event() - begin;
  result_.faults = injector_->applied();
  result_.skipped = injector_->skipped();
  const std::vector<uint64_t> probes = world_->CollectProbes();
  for (size_t i = 0; i < probes.size(); ++i) {
    result_.probes[AllProbeSites()[i].name] += probes[i];
  }
  watch_.Finish(*world_);
}

void Run::TearDown() {
  for (const auto& process : world_->processes()) process->Kill();
  injector_.reset();
  policy_.reset();
  workloads_.clear();
  world_.reset();
}

}  // namespace

absl::Status SetKnobsOf(const RunRequest& request, KnobSet& knobs) {
  if (request.plan.empty()) return SetKnobs(request, nullptr, knobs);
  ASSIGN_OR_RETURN(const FaultPlan plan, FaultPlanFromText(request.plan));
  return SetKnobs(request, &plan, knobs);
}

absl::StatusOr<uint64_t> SeedOfPlan(const std::string& plan, const std::string& plan_name) {
  const absl::StatusOr<FaultPlan> parsed = FaultPlanFromText(plan);
  if (parsed.ok()) return parsed->seed();
  return Error(ErrorCode::invalid_argument,
               plan_name + ": " + std::string(parsed.status().message()));
}

absl::Status ValidateRequest(const RunRequest& request, const std::string& plan_name) {
  const auto refuse = [&plan_name](const std::string& what) {
    return Error(ErrorCode::invalid_argument, plan_name + ": " + what);
  };
  KnobSet knobs;
  if (request.plan.empty()) return SetKnobs(request, nullptr, knobs);
  const absl::StatusOr<FaultPlan> plan = FaultPlanFromText(request.plan);
  if (!plan.ok()) return refuse(std::string(plan.status().message()));
  if (plan->version() != kPlanVersion) {
    return refuse("is of version " + std::to_string(plan->version()) + "; this program reads " +
                  std::to_string(kPlanVersion));
  }
  if (plan->scenario() != request.scenario.name) {
    return refuse("is of scenario \"" + plan->scenario() + "\", not of \"" + request.scenario.name +
                  "\"; give the scenario it was drawn for");
  }
  RETURN_IF_ERROR(SetKnobs(request, &*plan, knobs));
  const absl::StatusOr<Scenario> scenario = Narrow(request.scenario, *plan, plan_name);
  if (!scenario.ok()) return refuse(std::string(scenario.status().message()));
  World world({.seed = request.seed, .knobs = &knobs});
  ASSIGN_OR_RETURN(const Deployment deployment,
                   DeployNarrowed(request.system, *scenario, request.seed));
  RETURN_IF_ERROR(scenario->topology.RefuseUnread());
  for (const Deployment::MachineWithProcesses& each : deployment.machines) {
    Machine& machine = world.AddMachine(each.machine);
    for (const ProcessSpec& process : each.processes) world.AddProcess(machine, process);
  }
  AddClients(world, scenario->clients);
  absl::Status fits = ValidateNarrowing(*plan, world, scenario->clients);
  if (fits.ok()) fits = Injector::Validate(world, *plan);
  return fits.ok() ? fits : refuse(std::string(fits.message()));
}

RunResult RunUnwatched(const RunRequest& request) {
  class Nobody final : public RunMonitor {
    void Stepped(const Timeline&) override {}
    void Known(const RunResult&) override {}
  };
  Nobody nobody;
  return RunHere(request, nobody, MonotonicNow());
}

RunResult RunHere(const RunRequest& request, RunMonitor& monitor, Duration begin) {
  Run run(request, monitor);
  if (run.Build()) run.Go(begin);
  RunResult result = run.TakeResult();
  result.cpu = ProcessorNow();
  return result;
}

}  // namespace orrery::sim
