// Finding the files of a run, and reading moments.
#include "sim/run/run_target.h"

#include <unistd.h>

#include "sim/fault/draw.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/options.h"
#include "sim/run/scenario.h"

namespace orrery::sim {
namespace {

absl::Status Refuse(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

}  // namespace

std::string FolderOf(const std::string& file) { return file.substr(0, file.rfind('/') + 1); }

std::string WithoutExtension(const std::string& file) {
  const size_t dot = file.rfind('.');
  return dot == file.npos || dot <= FolderOf(file).size() ? file : file.substr(0, dot);
}

absl::StatusOr<RunTarget> RunTarget::Find(const std::string& target,
                                          const std::string& scenario_file) {
  RunTarget found;
  found.scenario_file = scenario_file;
  if (!target.empty() && target.find_first_not_of("0123456789") == target.npos) {
    found.seed = target;
    if (!scenario_file.empty()) return found;
    return Refuse("--scenario is missing; seed " + target + " is one of a scenario");
  }
  found.plan_file = target;
  if (!scenario_file.empty()) return found;
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(target));
  const absl::StatusOr<FaultPlan> plan = FaultPlanFromText(text);
  if (!plan.ok()) return Refuse(target + ": " + std::string(plan.status().message()));
  found.scenario_file = FolderOf(target) + plan->scenario() + ".toml";
  if (access(found.scenario_file.c_str(), F_OK) == 0) return found;
  return Refuse(target + ": is of scenario \"" + plan->scenario() + "\", and there is no " +
                found.scenario_file + "; give --scenario FILE");
}

absl::StatusOr<Time> ParseMoment(const std::string& option, const std::string& text) {
  const absl::Status refused =
      Refuse(option + " " + text + ": expected a moment of simulated time, like 12.5s or 250ms");
  const size_t point = text.find('.');
  if (point == text.npos) {
    const absl::StatusOr<Duration> span = ParseSpan(text);
    if (!span.ok()) return refused;
    return TimeFromNanoseconds(0) + *span;
  }
  // "12.5s": the whole part in the unit, and then as many of its parts as digits follow.
  const size_t unit_at = text.find_first_not_of("0123456789", point + 1);
  if (unit_at == text.npos || unit_at == point + 1) return refused;
  const std::string unit = text.substr(unit_at);
  const absl::StatusOr<Duration> whole = ParseSpan(text.substr(0, point) + unit);
  const absl::StatusOr<Duration> one = ParseSpan("1" + unit);
  if (!whole.ok() || !one.ok()) return refused;
  int64_t part = one->count();
  int64_t rest = 0;
  for (const char digit : text.substr(point + 1, unit_at - point - 1)) {
    part /= 10;
    rest += part * (digit - '0');
  }
  return TimeFromNanoseconds(0) + *whole + Nanoseconds(rest);
}

}  // namespace orrery::sim
