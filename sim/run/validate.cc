// Whether a system can run a scenario, and reading the file it is in.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/knobs/knobs.h"
#include "core/rpc/rpc_knobs.h"
#include "sim/fault/draw.h"
#include "sim/run/run_knobs.h"
#include "sim/run/scenario.h"
#include "sim/run/system.h"

namespace orrery::sim {
namespace {

constexpr size_t kFileBytesMax = size_t{64} << 20;

// `status` with its message after `place`.
absl::Status At(const std::string& place, const absl::Status& status) {
  return Error(ErrorCode::invalid_argument, place + ": " + std::string(status.message()));
}

std::string Join(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

absl::Status ValidateKnobs(const Scenario& scenario, const System& system) {
  KnobSet knobs;
  AddAllKnobs(system, knobs);
  for (const Scenario::FixedKnob& knob : scenario.knobs) {
    const absl::Status set = knobs.Set(knob.name, knob.value);
    if (!set.ok()) return At(knob.place, set);
  }
  return absl::OkStatus();
}

absl::Status ValidateWorkloads(const Scenario& scenario, const System& system) {
  for (const Scenario::WorkloadTable& table : scenario.workloads) {
    const std::unique_ptr<Workload> workload = system.MakeWorkload(table.name);
    if (workload == nullptr) {
      return Error(ErrorCode::invalid_argument, table.place + ": there is no workload \"" +
                                                    table.name + "\"; those known are " +
                                                    Join(system.WorkloadNames()));
    }
    RETURN_IF_ERROR(workload->Configure(table.options));
    RETURN_IF_ERROR(table.options.RefuseUnread());
  }
  return absl::OkStatus();
}

}  // namespace

void AddAllKnobs(const System& system, KnobSet& knobs) {
  knobs.Add<RpcKnobs>();
  knobs.Add<RunKnobs>();
  system.AddKnobs(knobs);
}

absl::Status ValidateScenario(const Scenario& scenario, const System& system) {
  if (!scenario.faults.kinds.empty()) {
    const absl::Status kinds = ValidateFaultKinds(scenario.faults.kinds);
    if (!kinds.ok()) return At(scenario.faults.place, kinds);
  }
  RETURN_IF_ERROR(ValidateKnobs(scenario, system));
  RETURN_IF_ERROR(ValidateWorkloads(scenario, system));
  Random any(0);
  RETURN_IF_ERROR(system.Deploy(scenario.topology, any).status());
  return scenario.topology.RefuseUnread();
}

absl::StatusOr<std::string> ReadTextFile(const std::string& file) {
  const std::unique_ptr<FILE, int (*)(FILE*)> open(std::fopen(file.c_str(), "rb"), &std::fclose);
  if (open == nullptr) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::file_not_found : ErrorCode::platform_error;
    return Error(code, file + ": cannot be opened: " + std::strerror(errno));
  }
  std::string text;
  char part[65536];
  while (const size_t bytes = std::fread(part, 1, sizeof part, open.get())) {
    text.append(part, bytes);
    if (text.size() > kFileBytesMax) {
      return Error(ErrorCode::invalid_argument, file + ": is larger than 64 MiB");
    }
  }
  if (std::ferror(open.get()) != 0) {
    return Error(ErrorCode::platform_error, file + ": cannot be read: " + std::strerror(errno));
  }
  return text;
}

absl::StatusOr<Scenario> LoadScenario(const std::string& file, const System& system) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(file));
  ASSIGN_OR_RETURN(Scenario scenario, ParseScenario(text, file));
  RETURN_IF_ERROR(ValidateScenario(scenario, system));
  return scenario;
}

}  // namespace orrery::sim
