// Texts about a minimised plan.
#include "sim/run/minimise/minimise_report.h"

#include <google/protobuf/text_format.h>

#include <cstdio>

#include "core/observe/trace_json.h"
#include "sim/fault/draw.h"

namespace orrery::sim {
namespace {

constexpr size_t kFaultsListed = 20;

std::string InSeconds(int64_t nanoseconds) {
  char text[48];
  std::snprintf(text, sizeof text, "%lld.%03lld",
                static_cast<long long>(nanoseconds / 1'000'000'000),
                static_cast<long long>(nanoseconds / 1'000'000 % 1000));
  return text;
}

std::string Count(uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

// "at 12.300 s for 1.000 s: kill_process { process: "server-2-1" }"
std::string FaultLine(const Fault& fault) {
  Fault kind = fault;
  kind.clear_at_ns();
  kind.clear_for_ns();
  std::string text;
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  printer.PrintToString(kind, &text);
  while (text.ends_with(' ')) text.pop_back();
  std::string line = "at " + InSeconds(fault.at_ns()) + " s";
  if (fault.for_ns() != 0) line += " for " + InSeconds(fault.for_ns()) + " s";
  return line + ": " + text;
}

// Tenths of a percent of the events that are left.
std::string ShareLeft(const Minimised& found) {
  if (found.before.events() == 0) return "100.0";
  const uint64_t share = found.after.events() * 1000 / found.before.events();
  return std::to_string(share / 10) + "." + std::to_string(share % 10);
}

std::string OneLine(std::string text) {
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text;
}

std::string Failure(const Minimised& found) {
  const RunFailure& failure = found.run.failures.front();
  return failure.kind + ": " + OneLine(failure.text);
}

std::string SizeJson(const PlanSize& size) {
  return "{\"events\":" + std::to_string(size.events()) +
         ",\"faults\":" + std::to_string(size.faults) +
         ",\"operations\":" + std::to_string(size.operations) +
         ",\"windows\":" + std::to_string(size.windows) +
         ",\"knobs\":" + std::to_string(size.knobs) +
         ",\"machines\":" + std::to_string(size.machines) +
         ",\"simulated_seconds\":" + InSeconds(ToNanoseconds(size.simulated)) + "}";
}

std::string SizesLine(const MinimiseReport& report) {
  return "events of the plan: " + std::to_string(report.found.before.events()) + " -> " +
         std::to_string(report.found.after.events()) + " (" + ShareLeft(report.found) +
         "% is left)";
}

}  // namespace

std::string ToText(const PlanSize& size) {
  return Count(size.faults, "fault", "faults") + ", " +
         Count(size.operations, "operation", "operations") + ", order drawn in " +
         Count(size.windows, "window", "windows") + ", " + Count(size.knobs, "knob", "knobs") +
         ", " + Count(size.machines, "machine", "machines") + ", " +
         InSeconds(ToNanoseconds(size.simulated)) + " s";
}

std::string PlanFileText(const MinimiseReport& report) {
  const Minimised& found = report.found;
  std::string text = "# " + Failure(found) + "\n";
  text += "# signature: " + found.signature + "\n#\n";
  text += "# replay: " + report.replay_command + "\n";
  if (!report.keep_command.empty()) text += "# keep:   " + report.keep_command + "\n";
  text += "#\n# before: " + ToText(found.before) + "\n# after:  " + ToText(found.after) + "\n";
  text += "# " + SizesLine(report) + "\n";
  text += found.complete ? "# Nothing of it can be left out.\n"
                         : "# It was ended early: more may be left out. Go on with:\n#   " +
                               report.resume_command + "\n";
  text += "#\n# What happens, after the begin of the faults phase:\n";
  size_t listed = 0;
  for (const Fault& fault : found.plan.faults()) {
    if (++listed > kFaultsListed) {
      text += "#   ...\n";
      break;
    }
    text += "#   " + FaultLine(fault) + "\n";
  }
  for (const PlannedOperations& entry : found.plan.operations()) {
    if (entry.only().empty()) continue;
    text += "#   client " + std::to_string(entry.client()) + ", " + entry.workload() +
            ": only operations " + entry.only() + "\n";
  }
  const Duration failed = found.run.simulated - found.run.faults_begun;
  text += "#   at " + InSeconds(ToNanoseconds(failed)) + " s: it fails\n\n";
  return text + FaultPlanToText(found.plan);
}

std::string DescribeMinimised(const MinimiseReport& report) {
  const Minimised& found = report.found;
  std::string text = "failure:   " + Failure(found) + "\n";
  text += "signature: " + found.signature + "\n";
  text += "before:    " + ToText(found.before) + "\n";
  text += "after:     " + ToText(found.after) + "\n";
  text += SizesLine(report) + "\n";
  text += std::to_string(report.runs) + " runs, " + InSeconds(ToNanoseconds(report.cpu)) +
          " s of processor time\n";
  text += "plan:      " + report.plan_file + "\n";
  if (!found.complete) {
    text += "ended early: more may be left out; go on with: " + report.resume_command + "\n";
  }
  if (!report.keep_command.empty()) text += "keep:      " + report.keep_command + "\n";
  return text + "replay:    " + report.replay_command + "\n";
}

std::string MinimisedJson(const MinimiseReport& report) {
  const Minimised& found = report.found;
  std::string json = "{\"plan\":";
  AppendJsonString(json, report.plan_file);
  json += ",\"signature\":";
  AppendJsonString(json, found.signature);
  json += ",\"failure\":";
  AppendJsonString(json, Failure(found));
  json += std::string(",\"complete\":") + (found.complete ? "true" : "false");
  json += ",\"before\":" + SizeJson(found.before) + ",\"after\":" + SizeJson(found.after);
  json += ",\"runs\":" + std::to_string(report.runs);
  json += ",\"known\":" + std::to_string(report.known);
  json += ",\"cpu_seconds\":" + InSeconds(ToNanoseconds(report.cpu));
  json += ",\"replay_command\":";
  AppendJsonString(json, report.replay_command);
  if (!report.keep_command.empty()) {
    json += ",\"keep_command\":";
    AppendJsonString(json, report.keep_command);
  }
  if (!found.complete) {
    json += ",\"resume_command\":";
    AppendJsonString(json, report.resume_command);
  }
  return json + "}";
}

}  // namespace orrery::sim
