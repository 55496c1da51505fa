// Text and JSON of a result.
#include "sim/run/report.h"

#include <cstdio>
#include <optional>

#include "sim/run/json_object.h"

namespace orrery::sim {
namespace {

// Whole and thousandth seconds: "60.123".
std::string Seconds3(int64_t nanoseconds) {
  char text[48];
  std::snprintf(text, sizeof text, "%lld.%03lld",
                static_cast<long long>(nanoseconds / 1'000'000'000),
                static_cast<long long>(nanoseconds / 1'000'000 % 1000));
  return text;
}

// "12.345678"
std::string Seconds6(int64_t nanoseconds) {
  char text[48];
  std::snprintf(text, sizeof text, "%lld.%06lld",
                static_cast<long long>(nanoseconds / 1'000'000'000),
                static_cast<long long>(nanoseconds / 1000 % 1'000'000));
  return text;
}

// What "commits" or "recoveries" of all workloads come to; nothing when none counts them.
std::optional<int64_t> Total(const RunResult& result, std::string_view metric) {
  std::optional<int64_t> total;
  for (const auto& [name, value] : result.metrics) {
    const std::string_view full = name;
    const size_t dot = full.rfind('.');
    if (full.substr(dot == full.npos ? 0 : dot + 1) == metric) total = total.value_or(0) + value;
  }
  return total;
}

// Processor time by count, in thousandths of a microsecond; 0 of nothing.
std::string CpuMicrosPer(const RunResult& result, int64_t count) {
  return Seconds3(count <= 0 ? 0 : ToNanoseconds(result.cpu) * 1'000'000 / count);
}

uint64_t Sum(const std::map<std::string, uint64_t>& counts) {
  uint64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  return sum;
}

template <class Count>
std::string Counts(const std::map<std::string, Count>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    text += (text.empty() ? "" : ", ") + name + " " + std::to_string(count);
  }
  return text.empty() ? "none" : text;
}

std::string Section(const char* title, const RunResult::Named& lines) {
  std::string text;
  if (!lines.empty()) text = std::string(title) + "\n";
  for (const auto& [name, value] : lines) text += "  " + name + " = " + value + "\n";
  return text;
}

std::string EvidenceJson(const Evidence& evidence) {
  std::string nodes;
  for (const Evidence::Node& node : evidence.nodes) {
    JsonObject entry;
    entry.Text("label", node.label);
    if (node.client >= 0) {
      entry.Text("workload", node.workload).Raw("client", std::to_string(node.client));
    }
    if (node.ordinal >= 0) entry.Raw("operation", std::to_string(node.ordinal));
    nodes += (nodes.empty() ? "" : ",") + entry.Take();
  }
  std::string edges;
  for (const Evidence::Edge& edge : evidence.edges) {
    JsonObject entry;
    entry.Raw("from", std::to_string(edge.from))
        .Raw("to", std::to_string(edge.to))
        .Text("label", edge.label);
    edges += (edges.empty() ? "" : ",") + entry.Take();
  }
  return JsonObject().Raw("nodes", "[" + nodes + "]").Raw("edges", "[" + edges + "]").Take();
}

}  // namespace

std::string HashText(uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::string ShellCommand(const std::vector<std::string>& words) {
  std::string command;
  for (const std::string& word : words) {
    if (!command.empty()) command += ' ';
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789_-./=:,@%+") == std::string::npos;
    if (plain) {
      command += word;
      continue;
    }
    command += '\'';
    for (const char c : word) command += c == '\'' ? std::string("'\\''") : std::string(1, c);
    command += '\'';
  }
  return command;
}

std::string Summary(const RunResult& result) {
  std::string text = "seed " + std::to_string(result.seed) +
                     (result.passed() ? " passed: " : " FAILED: ") +
                     Seconds3(ToNanoseconds(result.simulated)) + " s simulated, " +
                     std::to_string(Sum(result.faults)) + " faults, hash " + HashText(result.hash);
  if (!result.passed()) {
    text += ", " + result.failures.front().kind + ": " + result.failures.front().text;
  }
  return text;
}

std::string DescribeDrawn(const RunResult& result) {
  std::string text = "scenario " + result.scenario + ", seed " + std::to_string(result.seed) + "\n";
  text += Section("machines", result.deployment);
  text += Section("drawn", result.drawn);
  text += Section("knobs that differ from their defaults", result.knobs);
  text += "fault plan, " + std::to_string(result.plan_lines.size()) + " faults\n";
  for (const std::string& line : result.plan_lines) text += "  " + line + "\n";
  return text;
}

std::string DescribeFailures(const RunResult& result) {
  std::string text;
  for (const RunFailure& failure : result.failures) {
    text += "failure at " + Seconds3(ToNanoseconds(failure.time)) + " s, ";
    if (failure.event != 0) text += "event #" + std::to_string(failure.event) + ", ";
    text += failure.kind + ": " + failure.text;
    if (!text.ends_with('\n')) text += '\n';  // Of many lines: it has its own.
    if (!failure.evidence.empty()) text += "evidence:\n" + DescribeEvidence(failure.evidence);
  }
  if (!result.passed() && !result.diagnosis.empty()) {
    text += "the run's process wrote:\n" + result.diagnosis;
    if (!text.ends_with('\n')) text += '\n';
  }
  return text;
}

std::string DescribeVerdict(const RunResult& result) {
  if (!result.passed()) return "verdict: FAILED (" + result.failures.front().kind + ")\n";
  return result.stopped ? "verdict: passed until it was stopped, as asked\n" : "verdict: passed\n";
}

std::string DescribeOutcome(const RunResult& result) {
  std::string text = DescribeFailures(result);
  text += "faults applied: " + Counts(result.faults) + "\n";
  text += "faults skipped: " + Counts(result.skipped) + "\n";
  uint64_t reached = 0;
  for (const auto& [name, count] : result.probes) reached += count > 0 ? 1 : 0;
  text += "probes reached: " + std::to_string(reached) + " of " +
          std::to_string(result.probes.size()) + "\n";
  for (const auto& [name, count] : result.probes) {
    if (count > 0) text += "  " + name + " " + std::to_string(count) + "\n";
  }
  text += "metrics: " + Counts(result.metrics) + "\n";
  text += "events " + std::to_string(result.events) + ", simulated " +
          Seconds3(ToNanoseconds(result.simulated)) + " s, processor " +
          Seconds3(ToNanoseconds(result.cpu)) + " s, start to first event " +
          Seconds6(ToNanoseconds(result.start)) + " s\n";
  text +=
      "processor " + CpuMicrosPer(result, static_cast<int64_t>(result.events)) + " us per event";
  if (const auto commits = Total(result, "commits")) {
    text += ", " + CpuMicrosPer(result, *commits) + " us per commit; commits " +
            std::to_string(*commits);
  }
  if (const auto recoveries = Total(result, "recoveries")) {
    text += ", recoveries " + std::to_string(*recoveries);
  }
  text += "\n";
  text += "hash " + HashText(result.hash) + "\n";
  return text + DescribeVerdict(result);
}

std::string ToJson(const RunResult& result, const std::string& replay_command) {
  JsonObject object;
  object.Raw("seed", std::to_string(result.seed))
      .Text("scenario", result.scenario)
      .Text("verdict", result.passed() ? "passed" : "failed")
      .Text("hash", HashText(result.hash))
      .Raw("simulated_seconds", Seconds6(ToNanoseconds(result.simulated)))
      .Raw("cpu_seconds", Seconds6(ToNanoseconds(result.cpu)))
      .Raw("start_seconds", Seconds6(ToNanoseconds(result.start)))
      .Raw("events", std::to_string(result.events))
      .Raw("cpu_us_per_event", CpuMicrosPer(result, static_cast<int64_t>(result.events)));
  if (const auto commits = Total(result, "commits")) {
    object.Raw("commits", std::to_string(*commits))
        .Raw("cpu_us_per_commit", CpuMicrosPer(result, *commits));
  }
  if (const auto recoveries = Total(result, "recoveries")) {
    object.Raw("recoveries", std::to_string(*recoveries));
  }
  object.Counts("faults", result.faults)
      .Counts("faults_skipped", result.skipped)
      .Counts("probes", result.probes)
      .Counts("metrics", result.metrics);
  JsonList failures;
  for (const RunFailure& failure : result.failures) {
    JsonObject entry;
    entry.Text("kind", failure.kind)
        .Text("text", failure.text)
        .Raw("simulated_seconds", Seconds6(ToNanoseconds(failure.time)))
        .Raw("event", std::to_string(failure.event));
    if (!failure.evidence.empty()) entry.Raw("evidence", EvidenceJson(failure.evidence));
    failures.Raw(entry.Take());
  }
  object.Raw("failures", failures.Take()).Text("phase", result.phase);
  if (!result.passed()) object.Text("diagnosis", result.diagnosis);
  return object.Text("replay_command", replay_command).Take();
}

}  // namespace orrery::sim
