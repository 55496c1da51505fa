// Starting, ending and killing incarnations.
#include "sim/world/process.h"

#include "core/base/hash.h"
#include "core/base/invariant.h"
#include "core/observe/story_events.h"
#include "sim/world/machine.h"
#include "sim/world/sim_env.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

constexpr Duration kRestartDelayMin = Milliseconds(100);
constexpr Duration kRestartDelayMax = Seconds(2);

}  // namespace

const char* NameOf(ProcessStep step) {
  switch (step) {
    case ProcessStep::kStarted:
      return "started";
    case ProcessStep::kKilled:
      return "killed";
    case ProcessStep::kEnded:
      return "ended";
    case ProcessStep::kPaused:
      return "paused";
  }
  return "unknown";
}

Process::Ended::Ended(Process& owner) : process(owner) {
  run = [](ReadyNode* node) {
    Process& p = static_cast<Ended*>(node)->process;
    p.world_.timeline().Note(Happening::kProcess, p.key_,
                             static_cast<uint64_t>(ProcessStep::kEnded), p.incarnation_);
    p.TraceEnded(p.exit_status_.ok() ? "ended" : Describe(p.exit_status_));
    p.Destroy();
    if (!p.spec_.supervised) return;
    const uint64_t draw = p.world_.loop().Draw(p.key_, p.incarnation_);
    const uint64_t span = static_cast<uint64_t>((kRestartDelayMax - kRestartDelayMin).count());
    p.StartAfter(kRestartDelayMin + Duration(static_cast<int64_t>(draw % span)));
  };
}

Process::Restart::Restart(Process& owner) : process(owner) {
  run = [](ReadyNode* node) {
    Process& p = static_cast<Restart*>(node)->process;
    if (!p.running() && p.machine_.powered()) p.Start();
  };
}

Process::Process(World& world, Machine& machine, ProcessSpec spec)
    : world_(world),
      machine_(machine),
      spec_(std::move(spec)),
      key_(HashBytes(spec_.name)),
      ended_(*this),
      restart_(*this) {}

Process::~Process() { Destroy(); }

uint64_t Process::LoopKey(std::string_view process, uint32_t incarnation) {
  return HashWords(HashBytes(process), incarnation);
}

const TaskContext* Process::RunningTask() const {
  return running() ? env_->loop().running() : nullptr;
}

Env& Process::env() {
  INVARIANT(running(), spec_.name);
  return *env_;
}

TaskGroup& Process::tasks() {
  INVARIANT(running(), spec_.name);
  return env_->root();
}

void Process::Start() {
  INVARIANT(!running() && machine_.powered(), spec_.name);
  if (restart_.armed()) world_.loop().Disarm(restart_);
  ++incarnation_;
  world_.timeline().Note(Happening::kProcess, key_, static_cast<uint64_t>(ProcessStep::kStarted),
                         incarnation_);
  if (auto e = world_.trace().Info(story_events::kProcessStarted)) {
    const MachineSpec& machine = machine_.spec();
    e.Add("process", spec_.name).Add("incarnation", incarnation_).Add("machine", machine.name);
    e.Add("zone", machine.zone).Add("data_center", machine.data_center);
    e.Add("client", machine.sheltered);
  }
  env_ = std::make_unique<SimEnv>(world_, *this, LoopKey(spec_.name, incarnation_),
                                  world_.LoopOptionsOf(spec_.name));
  ApplyClock();
  env_->loop().set_turn_cost(turn_cost_);
  env_->root().Spawn("main", [](Process& process, Env& env) -> Task<absl::Status> {
    process.OnMainEnded(co_await process.spec_.main(env));
    co_return absl::OkStatus();
  }(*this, *env_));
}

void Process::OnMainEnded(absl::Status status) {
  if (!status.ok()) {
    if (auto e = env_->trace().Warn("ProcessEndedWithError")) e.Add("status", status);
  }
  exit_status_ = std::move(status);
  if (!ended_.armed()) world_.loop().ArmAt(ended_, world_.Now());
}

void Process::Kill() {
  if (!running()) return;
  world_.timeline().Note(Happening::kProcess, key_, static_cast<uint64_t>(ProcessStep::kKilled),
                         incarnation_);
  TraceEnded("killed");
  Destroy();
}

void Process::TraceEnded(std::string_view why) {
  if (auto e = world_.trace().Info(story_events::kProcessEnded)) {
    e.Add("process", spec_.name).Add("incarnation", incarnation_).Add("why", why);
  }
}

void Process::StopDispatch() {
  if (running()) env_->loop().Fence();
}

void Process::Destroy() {
  if (ended_.armed()) world_.loop().Disarm(ended_);
  if (!running()) return;
  INVARIANT(env_->loop().running() == nullptr, "a process is killed from inside", spec_.name);
  env_->Fence();
  world_.OnProcessEnd(*env_);
  env_.reset();
}

void Process::StartAfter(Duration delay) {
  if (restart_.armed()) world_.loop().Disarm(restart_);
  world_.loop().ArmAt(restart_, world_.Now() + delay);
}

void Process::Pause(Duration d) {
  if (!running()) return;
  world_.timeline().Note(Happening::kProcess, key_, static_cast<uint64_t>(ProcessStep::kPaused),
                         static_cast<uint64_t>(d.count()));
  env_->loop().HoldUntil(world_.Now() + d);
}

void Process::Resume() {
  if (paused()) env_->loop().Release();
}

bool Process::paused() const { return running() && env_->loop().held(); }

void Process::SetTurnCost(Duration cost) {
  turn_cost_ = cost;
  if (running()) env_->loop().set_turn_cost(cost);
}

void Process::ApplyClock() {
  if (!running()) return;
  env_->loop().SetDrift(machine_.drift_ppm());
  env_->loop().set_wall_offset_micros(machine_.wall_offset_micros());
}

void Process::JumpForward(Duration d) {
  if (running()) env_->loop().JumpForward(d);
}

}  // namespace orrery::sim
