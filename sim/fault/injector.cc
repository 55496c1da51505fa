// When faults come and end, and whether they may.
#include "sim/fault/injector.h"

#include <functional>
#include <utility>

#include "core/base/invariant.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/fault/kinds.h"
#include "sim/fault/survival_policy.h"
#include "sim/world/world.h"

namespace orrery::sim {

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
  const bool begun = Allowed(fault) && (BeginProcessFault(fault) || BeginNetworkFault(fault) ||
                                        BeginDiskFault(fault) || BeginClockFault(fault));
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
      return Survives({&MachineOf(fault.rot_bits().machine())}, Harm::kDestroyed);
    case Fault::kMisdirectWrite:
      return Survives({&MachineOf(fault.misdirect_write().machine())}, Harm::kDestroyed);
    case Fault::kLoseWrite:
      return Survives({&MachineOf(fault.lose_write().machine())}, Harm::kDestroyed);
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
    const Fault& fault = plan.faults(i);
    // Every string in a fault names a machine or, in fields called "process", a process.
    const auto* reflection = fault.GetReflection();
    const auto* one_of = Fault::descriptor()->FindOneofByName("kind");
    const auto* kind = reflection->GetOneofFieldDescriptor(fault, one_of);
    INVARIANT(kind != nullptr, i);
    const google::protobuf::Message& body = reflection->GetMessage(fault, kind);
    for (int f = 0; f < body.GetDescriptor()->field_count(); ++f) {
      const auto* field = body.GetDescriptor()->field(f);
      if (field->cpp_type() != field->CPPTYPE_STRING) continue;
      const int count = field->is_repeated() ? body.GetReflection()->FieldSize(body, field) : 1;
      for (int n = 0; n < count; ++n) {
        const std::string name = field->is_repeated()
                                     ? body.GetReflection()->GetRepeatedString(body, field, n)
                                     : body.GetReflection()->GetString(body, field);
        const bool everyone = name.empty() && kind->name() == "slow_link";
        const bool known = field->name() == "process" ? world.FindProcess(name) != nullptr
                                                      : world.FindMachine(name) != nullptr;
        if (everyone || known) continue;
        return Error(ErrorCode::invalid_argument,
                     "fault " + std::to_string(i + 1) + " (" + kind->name() + "): there is no " +
                         (field->name() == "process" ? "process" : "machine") + " \"" + name +
                         "\"");
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace orrery::sim
