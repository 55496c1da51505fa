// Finding the files of an explanation.
#include "sim/report/explain_command.h"

#include <utility>

#include "sim/run/run_target.h"

namespace orrery::sim {
namespace {

absl::Status Refuse(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

// "plans/a.textproto" -> "plans/a.html"
std::string PageBeside(const std::string& file) {
  const size_t slash = file.rfind('/');
  const size_t dot = file.rfind('.');
  const bool has_ending = dot != file.npos && (slash == file.npos || dot > slash + 1);
  return (has_ending ? file.substr(0, dot) : file) + ".html";
}

}  // namespace

absl::StatusOr<std::unique_ptr<PreparedExplain>> PreparedExplain::Make(
    const ExplainCommand& command, const System& system) {
  auto explain = std::unique_ptr<PreparedExplain>(new PreparedExplain());
  SimCommand sim;
  sim.program = command.program;
  sim.knobs = command.knobs;
  ASSIGN_OR_RETURN(const RunTarget target, RunTarget::Find(command.target, command.scenario_file));
  sim.scenario_file = target.scenario_file;
  sim.seed = target.seed;
  sim.plan_file = target.plan_file;
  if (!command.from.empty()) {
    ASSIGN_OR_RETURN(explain->wanted_.from, ParseMoment("--from", command.from));
  }
  if (!command.to.empty()) {
    ASSIGN_OR_RETURN(explain->wanted_.to, ParseMoment("--to", command.to));
  }
  if (explain->wanted_.from > explain->wanted_.to) return Refuse("--from is after --to");
  ASSIGN_OR_RETURN(explain->run_, PreparedRun::Make(sim, system));
  explain->out_file_ = command.out_file;
  if (explain->out_file_.empty() && !command.text) {
    explain->out_file_ = target.plan_file.empty()
                             ? explain->run_->request().scenario.name + "-" + target.seed + ".html"
                             : PageBeside(target.plan_file);
  }
  return explain;
}

}  // namespace orrery::sim
