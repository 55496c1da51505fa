// When faults come and end, and whether they may.
#include "sim/fault/injector.h"

#include <google/protobuf/text_format.h>

#include <functional>
#include <utility>

#include "core/base/invariant.h"
#include "core/observe/story_events.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/fault/kinds.h"
#include "sim/fault/survival_policy.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

struct Target {
  bool is_process;
  std::string name;
};

// Whom a fault names: every string in it is a machine or, in fields called "process", a process.
std::vector<Target> TargetsOf(const Fault& fault) {
  std::vector<Target> targets;
  const auto* one_of = Fault::descriptor()->FindOneofByName("kind");
  const auto* kind = fault.GetReflection()->GetOneofFieldDescriptor(fault, one_of);
  INVARIANT(kind != nullptr);
  const google::protobuf::Message& body = fault.GetReflection()->GetMessage(fault, kind);
  const auto* reflection = body.GetReflection();
  for (int f = 0; f < body.GetDescriptor()->field_count(); ++f) {
    const auto* field = body.GetDescriptor()->field(f);
    if (field->cpp_type() != field->CPPTYPE_STRING) continue;
    const int count = field->is_repeated() ? reflection->FieldSize(body, field) : 1;
    for (int n = 0; n < count; ++n) {
      targets.push_back({field->name() == "process",
                         field->is_repeated() ? reflection->GetRepeatedString(body, field, n)
                                              : reflection->GetString(body, field)});
    }
  }
  return targets;
}

}  // namespace

class Injector::Moment : public TimerNode {
 public:
  explicit Moment(std::function<void()> what) : what_(std::move(what)) {
    run = [](ReadyNode* node) { static_cast<Moment*>(node)->what_(); };
  }

 private:
  const std::function<void()> what_;
};

Injector::Injector(World& world, const FaultPlan& plan, SurvivalPolicy& policy)
    : world_(world), plan_(plan), policy_(policy) {}

Injector::~Injector() = default;

void Injector::After(Duration delay, std::function<void()> what) {
  moments_.push_back(std::make_unique<Moment>(std::move(what)));
  world_.loop().ArmAt(*moments_.back(), world_.Now() + delay);
}

void Injector::Start() {
  for (int i = 0; i < plan_.faults_size(); ++i) {
    After(Nanoseconds(plan_.faults(i).at_ns()), [this, i] { Begin(plan_.faults(i), i); });
  }
}

void Injector::Begin(const Fault& fault, int index) {
  const std::string kind(KindOf(fault)->name);
  bool begun = Allowed(fault);
  if (begun) {
    TraceBegan(fault, index);  // Before what it does.
    begun = BeginProcessFault(fault) || BeginNetworkFault(fault) || BeginDiskFault(fault) ||
            BeginClockFault(fault);
  }
  if (!begun) {
    if (auto e = world_.trace().Info(story_events::kFaultSkipped)) {
      e.Add("fault", index).Add("kind", kind);
    }
  }
  ++(begun ? applied_ : skipped_)[kind];
  world_.timeline().Note(Happening::kFault, HashName(kind), static_cast<uint64_t>(index), begun);
}

bool Injector::Survives(const std::vector<Machine*>& machines, Harm harm) {
  return policy_.Survives(world_, {machines.begin(), machines.end()}, harm);
}

bool Injector::Allowed(const Fault& fault) {
  switch (fault.kind_case()) {
    case Fault::kPowerLoss: {
      std::vector<Machine*> machines;
      for (const std::string& name : fault.power_loss().machines()) {
        machines.push_back(&MachineOf(name));
      }
      return Survives(machines, Harm::kVolatile);
    }
    case Fault::kWipeDisk:
      return Survives({&MachineOf(fault.wipe_disk().machine())}, Harm::kDestroyed);
    case Fault::kRotBits:
      return Survives({&MachineOf(fault.rot_bits().machine())}, Harm::kDamaged);
    case Fault::kMisdirectWrite:
      return Survives({&MachineOf(fault.misdirect_write().machine())}, Harm::kDamaged);
    case Fault::kLoseWrite:
      return Survives({&MachineOf(fault.lose_write().machine())}, Harm::kDamaged);
    case Fault::kFailSync:  // The disk forgets what it was given.
      return Survives({&MachineOf(fault.fail_sync().machine())}, Harm::kVolatile);
    case Fault::kRebootMachine:
      return Survives({&MachineOf(fault.reboot_machine().machine())}, Harm::kUnavailable);
    case Fault::kKillProcess:
      return Survives({&ProcessOf(fault.kill_process().process()).machine()}, Harm::kUnavailable);
    default:
      return true;  // Nothing is lost and everything comes back by itself.
  }
}

void Injector::StopAndHeal() {
  stopped_ = true;
  (void)world_.trace().Info(story_events::kFaultsHealed);  // It says all.
  moments_.clear();
  world_.network().HealAll();
  for (const auto& machine : world_.machines()) {
    machine->disk().HealAll();
    if (machine->drift_ppm() != 0) machine->SetDrift(0);
    machine->SetWallOffset(0);
    machine->PowerOn();
  }
  for (const auto& process : world_.processes()) {
    process->SetTurnCost(Duration::zero());
    process->Resume();
    if (!process->running()) process->StartAfter(Duration::zero());
  }
  world_.timeline().Note(Happening::kFault, HashName("heal"), 0);
}

Machine& Injector::MachineOf(const std::string& name) const {
  Machine* machine = world_.FindMachine(name);
  INVARIANT(machine != nullptr, name);
  return *machine;
}

Process& Injector::ProcessOf(const std::string& name) const {
  Process* process = world_.FindProcess(name);
  INVARIANT(process != nullptr, name);
  return *process;
}

std::vector<HostId> Injector::Hosts(const std::string& name) const {
  if (name.empty()) return {};
  return {MachineOf(name).host()};
}

absl::Status Injector::Validate(const World& world, const FaultPlan& plan) {
  for (int i = 0; i < plan.faults_size(); ++i) {
    const std::string_view kind = KindOf(plan.faults(i))->name;
    for (const Target& target : TargetsOf(plan.faults(i))) {
      const bool everyone = target.name.empty() && kind == "slow_link";
      const bool known = target.is_process ? world.FindProcess(target.name) != nullptr
                                           : world.FindMachine(target.name) != nullptr;
      if (everyone || known) continue;
      return Error(ErrorCode::invalid_argument,
                   "fault " + std::to_string(i + 1) + " (" + std::string(kind) + "): there is no " +
                       (target.is_process ? "process" : "machine") + " \"" + target.name + "\"");
    }
  }
  return absl::OkStatus();
}

void Injector::TraceBegan(const Fault& fault, int index) {
  auto e = world_.trace().Info(story_events::kFaultBegan);
  if (!e) return;
  std::string targets;
  for (const Target& target : TargetsOf(fault)) {
    if (!target.name.empty()) targets += (targets.empty() ? "" : " ") + target.name;
  }
  Fault what_alone = fault;
  what_alone.clear_at_ns();
  what_alone.clear_for_ns();
  std::string what;
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  printer.PrintToString(what_alone, &what);
  while (what.ends_with(' ')) what.pop_back();
  e.Add("fault", index).Add("kind", KindOf(fault)->name).Add("for_ns", fault.for_ns());
  e.Add("targets", targets).Add("what", what);
}

}  // namespace orrery::sim
