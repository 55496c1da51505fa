// Building a world from its seed, and what it collects.
#include "sim/world/world.h"

#include "core/base/invariant.h"
#include "core/observe/metrics.h"
#include "core/observe/probe.h"
#include "core/observe/story_events.h"
#include "sim/world/sim_env.h"

namespace orrery::sim {
namespace {

std::string ShowField(const TraceRecord::Field& field) {
  return std::visit(
      [](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return value;
        } else if constexpr (std::is_same_v<T, bool>) {
          return value ? "true" : "false";
        } else {
          return std::to_string(value);
        }
      },
      field.value);
}

// Loop::Options::drawn of a process; "" is the world itself.
const std::vector<ScheduleWindow>* DrawnIn(const World::Options& options,
                                           std::string_view process) {
  return options.schedule == nullptr ? nullptr : &options.schedule->WindowsOf(process);
}

}  // namespace

World::World(Options options)
    : options_(options),
      timeline_(options.seed, options.chance),
      loop_(timeline_, HashName("world"), {.drawn = DrawnIn(options_, "")}),
      own_sink_(*this),
      trace_(loop_, own_sink_, options.trace == nullptr ? TraceLevel::kError : options.trace_level),
      probe_counts_(AllProbeSites().size()),
      tasks_(loop_, [this](std::string_view task, absl::Status status) {
        Fail("world_task", std::string(task) + ": " + Describe(status));
      }) {
  INVARIANT(options_.knobs != nullptr);
  Random random = Stream("world");
  ignore_priority_ = random.Chance(OneIn(2));
  drawn_.emplace_back("priority", ignore_priority_ ? "ignored" : "honoured");
  buggify_ = options_.buggify && random.Chance({3, 4});
  drawn_.emplace_back("buggify", buggify_ ? "on" : "off");
  network_ = std::make_unique<NetworkModel>(timeline_, NetworkParameters::Draw(options_.seed));
  AddDrawn("", network_->parameters().List());
  AddDrawn("threads.", WorkTimes::Draw(options_.seed).List());
}

Loop::Options World::LoopOptionsOf(std::string_view process) const {
  return {.ignore_priority = ignore_priority_, .drawn = DrawnIn(options_, process)};
}

World::~World() {
  tasks_.Cancel();
  for (auto& process : processes_) process->Destroy();
  processes_.clear();
  machines_.clear();
}

Machine& World::AddMachine(MachineSpec spec) {
  INVARIANT(FindMachine(spec.name) == nullptr, spec.name);
  const uint32_t index = static_cast<uint32_t>(machines_.size());
  machines_.push_back(std::make_unique<Machine>(*this, std::move(spec), index));
  Machine& machine = *machines_.back();
  AddDrawn(machine.name() + ".disk.", machine.disk().parameters().List());
  return machine;
}

Process& World::AddProcess(Machine& machine, ProcessSpec spec) {
  INVARIANT(FindProcess(spec.name) == nullptr, spec.name);
  processes_.push_back(std::make_unique<Process>(*this, machine, std::move(spec)));
  machine.processes_.push_back(processes_.back().get());
  return *processes_.back();
}

Machine* World::FindMachine(std::string_view name) const {
  for (const auto& machine : machines_) {
    if (machine->name() == name) return machine.get();
  }
  return nullptr;
}

Process* World::FindProcess(std::string_view name) const {
  for (const auto& process : processes_) {
    if (process->name() == name) return process.get();
  }
  return nullptr;
}

void World::AddDrawn(const std::string& prefix,
                     const std::vector<std::pair<std::string_view, int64_t>>& list) {
  for (const auto& [name, value] : list) {
    drawn_.emplace_back(prefix + std::string(name), std::to_string(value));
  }
}

void World::Fail(std::string kind, std::string text) {
  if (auto e = trace_.Error(story_events::kRunFailed)) e.Add("kind", kind).Add("text", text);
  failures_.push_back({std::move(kind), std::move(text), Now(), timeline_.notes()});
}

std::vector<uint64_t> World::CollectProbes() const {
  std::vector<uint64_t> counts = probe_counts_;
  for (const auto& process : processes_) {
    if (!process->running()) continue;
    const Probes& probes = process->env().probes();
    for (size_t i = 0; i < counts.size(); ++i) counts[i] += probes.count(i);
  }
  return counts;
}

bool World::RunUntil(Time time) {
  while (!failed() && timeline_.NextDue() <= time) timeline_.Step();
  if (!failed()) timeline_.AdvanceTo(time);
  return !failed();
}

void World::OnProcessEnd(SimEnv& env) {
  for (size_t i = 0; i < probe_counts_.size(); ++i) probe_counts_[i] += env.probes().count(i);
}

void World::Emit(const Process* process, const TraceRecord& record) {
  if (options_.trace != nullptr) options_.trace->Emit(process, record);
}

void World::OnTrace(const Process& process, const TraceRecord& record) {
  Emit(&process, record);
  if (record.level != TraceLevel::kError || record.injected) return;
  std::string text = process.name() + ": " + record.type;
  for (const TraceRecord::Field& field : record.fields) {
    text += std::string(" ") + field.name + "=" + ShowField(field);
  }
  Fail("error_event", std::move(text));
}

}  // namespace orrery::sim
