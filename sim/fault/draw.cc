// Drawing plans, and their text form.
#include "sim/fault/draw.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>

#include "sim/fault/fault_plan.pb.h"
#include "sim/fault/kinds.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

constexpr uint32_t kPlanVersion = 1;

bool Listed(const FaultKind& kind, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&kind](const std::string& name) {
    return name == kind.name || name == kind.group;
  });
}

FaultTargets TargetsIn(const World& world) {
  FaultTargets targets;
  for (const auto& machine : world.machines()) {
    const MachineSpec& spec = machine->spec();
    targets.everywhere.push_back(spec.name);
    if (spec.sheltered) continue;
    targets.machines.push_back({spec.name, spec.zone, spec.data_center});
    for (const Process* process : machine->processes()) {
      targets.processes.push_back(process->name());
    }
  }
  return targets;
}

// How often a kind comes in this world, in quarters of its usual rate: off in two of five.
uint32_t DrawQuarters(Random& random) {
  constexpr uint32_t kQuarters[] = {0, 0, 1, 4, 12};
  return kQuarters[random.Below(std::size(kQuarters))];
}

// All faults of one kind, from streams that no other kind touches.
void DrawKind(const FaultKind& kind, uint64_t seed, Duration mean_interval, Duration duration,
              const FaultTargets& targets, std::vector<Fault>& out) {
  const uint64_t kind_seed = HashWords(seed, HashName("fault"), HashName(kind.name));
  Random rhythm(kind_seed);
  const uint32_t quarters = DrawQuarters(rhythm);
  if (quarters == 0) return;
  const Duration interval = mean_interval * 4 / quarters;
  Duration at = Duration::zero();
  for (uint64_t ordinal = 1;; ++ordinal) {
    at += rhythm.Between(Duration(1), interval * 2);
    if (at >= duration) return;
    Random random(HashWords(kind_seed, ordinal));
    Fault fault;
    fault.set_at_ns(ToNanoseconds(at));
    if (kind.longest > Duration::zero()) {
      // Short ones are as frequent as long ones: uniform over the octaves of the span.
      Duration most = kind.longest;
      while (most > kind.shortest * 2 && random.Chance(OneIn(2))) most /= 2;
      fault.set_for_ns(ToNanoseconds(random.Between(kind.shortest, most)));
    }
    if (kind.draw(fault, random, targets)) out.push_back(std::move(fault));
  }
}

class ErrorText : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (text.empty()) {
      text = std::to_string(line + 1) + ":" + std::to_string(column + 1) + ": " + message;
    }
  }
  std::string text;  // Of the first error.
};

}  // namespace

absl::Status ValidateFaultKinds(const std::vector<std::string>& kinds) {
  for (const std::string& name : kinds) {
    bool known = false;
    std::string all = "process, network, disk, clock";
    for (const FaultKind& kind : AllFaultKinds()) {
      known |= name == kind.name || name == kind.group;
      all += ", " + std::string(kind.name);
    }
    if (!known) {
      return Error(ErrorCode::invalid_argument,
                   "no fault kind \"" + name + "\"; there are: " + all);
    }
  }
  return absl::OkStatus();
}

FaultPlan DrawFaultPlan(const World& world, const FaultOptions& options) {
  const FaultTargets targets = TargetsIn(world);
  uint64_t weights = 0;
  for (const FaultKind& kind : AllFaultKinds()) {
    if (Listed(kind, options.kinds)) weights += kind.weight;
  }
  std::vector<Fault> faults;
  for (const FaultKind& kind : AllFaultKinds()) {
    if (!Listed(kind, options.kinds)) continue;
    const auto share = static_cast<int64_t>(weights) / kind.weight;
    DrawKind(kind, world.options().seed, options.mean_interval * share, options.duration, targets,
             faults);
  }
  std::stable_sort(faults.begin(), faults.end(),
                   [](const Fault& a, const Fault& b) { return a.at_ns() < b.at_ns(); });
  FaultPlan plan;
  plan.set_version(kPlanVersion);
  plan.set_seed(world.options().seed);
  for (Fault& fault : faults) *plan.add_faults() = std::move(fault);
  return plan;
}

std::string FaultPlanToText(const FaultPlan& plan) {
  std::string out;
  google::protobuf::TextFormat::PrintToString(plan, &out);
  return out;
}

absl::StatusOr<FaultPlan> FaultPlanFromText(const std::string& text) {
  FaultPlan plan;
  ErrorText error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  if (!parser.ParseFromString(text, &plan)) {
    return Error(ErrorCode::invalid_argument, error.text);
  }
  if (plan.version() != kPlanVersion) {
    return Error(ErrorCode::invalid_argument,
                 "the plan has format version " + std::to_string(plan.version()) +
                     "; this program reads version " + std::to_string(kPlanVersion));
  }
  for (int i = 0; i < plan.faults_size(); ++i) {
    const Fault& fault = plan.faults(i);
    if (KindOf(fault) == nullptr || fault.at_ns() < 0 || fault.for_ns() < 0) {
      return Error(
          ErrorCode::invalid_argument,
          "fault " + std::to_string(i + 1) + " needs one kind, and no negative at_ns or for_ns");
    }
  }
  return plan;
}

}  // namespace orrery::sim
