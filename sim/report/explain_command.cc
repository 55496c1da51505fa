// Finding the files of an explanation.
#include "sim/report/explain_command.h"

#include <unistd.h>

#include <utility>

#include "sim/fault/draw.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/options.h"

namespace orrery::sim {
namespace {

absl::Status Refuse(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

std::string FolderOf(const std::string& file) { return file.substr(0, file.rfind('/') + 1); }

// "plans/a.textproto" -> "plans/a.html"
std::string PageBeside(const std::string& file) {
  const size_t slash = file.rfind('/');
  const size_t dot = file.rfind('.');
  const bool has_ending = dot != file.npos && (slash == file.npos || dot > slash + 1);
  return (has_ending ? file.substr(0, dot) : file) + ".html";
}

// "12.5s", "250ms", "60s"
absl::StatusOr<Time> ParseMoment(const char* option, const std::string& text) {
  const size_t point = text.find('.');
  const size_t unit_at = text.find_first_not_of("0123456789.");
  std::string whole = text;
  std::string digits;
  if (point != text.npos && unit_at != text.npos && unit_at > point + 1) {
    digits = text.substr(point + 1, unit_at - point - 1);
    whole = text.substr(0, point) + text.substr(unit_at);
  }
  const absl::StatusOr<Duration> span = ParseSpan(whole);
  const absl::StatusOr<Duration> unit =
      ParseSpan("1" + text.substr(std::min(unit_at, text.size())));
  if (!span.ok() || !unit.ok() || digits.find('.') != digits.npos) {
    return Refuse(std::string(option) + " " + text +
                  ": expected a moment of simulated time, like 12.5s or 250ms");
  }
  Time moment = Time() + *span;
  int64_t part = unit->count();
  for (const char digit : digits) {
    part /= 10;
    moment += Nanoseconds(part * (digit - '0'));
  }
  return moment;
}

// The scenario of a plan lies beside it unless it is given.
absl::StatusOr<std::string> ScenarioOf(const std::string& plan_file) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(plan_file));
  const absl::StatusOr<FaultPlan> plan = FaultPlanFromText(text);
  if (!plan.ok()) return Refuse(plan_file + ": " + std::string(plan.status().message()));
  std::string scenario_file = FolderOf(plan_file) + plan->scenario() + ".toml";
  if (access(scenario_file.c_str(), F_OK) == 0) return scenario_file;
  return Refuse(plan_file + ": is of scenario \"" + plan->scenario() + "\", and there is no " +
                scenario_file + "; give --scenario FILE");
}

}  // namespace

absl::StatusOr<std::unique_ptr<PreparedExplain>> PreparedExplain::Make(
    const ExplainCommand& command, const System& system) {
  auto explain = std::unique_ptr<PreparedExplain>(new PreparedExplain());
  SimCommand sim;
  sim.program = command.program;
  sim.scenario_file = command.scenario_file;
  sim.knobs = command.knobs;
  const bool of_seed = IsNumber(command.target);
  (of_seed ? sim.seed : sim.plan_file) = command.target;
  if (sim.scenario_file.empty()) {
    if (of_seed) {
      return Refuse("--scenario is missing; seed " + command.target + " is one of a scenario");
    }
    ASSIGN_OR_RETURN(sim.scenario_file, ScenarioOf(command.target));
  }
  if (!command.from.empty()) {
    ASSIGN_OR_RETURN(explain->from_, ParseMoment("--from", command.from));
  }
  if (!command.to.empty()) {
    ASSIGN_OR_RETURN(explain->to_, ParseMoment("--to", command.to));
  }
  if (explain->from_ > explain->to_) return Refuse("--from is after --to");
  ASSIGN_OR_RETURN(explain->run_, PreparedRun::Make(sim, system));
  explain->out_file_ = command.out_file;
  if (explain->out_file_.empty() && !command.text) {
    explain->out_file_ =
        of_seed ? explain->run_->request().scenario.name + "-" + command.target + ".html"
                : PageBeside(command.target);
  }
  return explain;
}

}  // namespace orrery::sim
