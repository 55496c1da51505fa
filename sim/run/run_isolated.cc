// Runs in forked children, and what to make of their ends.
#include "sim/run/run_isolated.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "absl/debugging/symbolize.h"

#include "core/base/invariant.h"
#include "core/knobs/knobs.h"
#include "sim/run/comparer.h"
#include "sim/run/real_time.h"
#include "sim/run/run_knobs.h"
#include "sim/world/timeline.h"

namespace orrery::sim {
namespace {

// The line of `text` that begins with `start`; empty when there is none.
std::string_view LineWith(std::string_view text, std::string_view start) {
  size_t at = text.find(start);
  if (at == std::string_view::npos) return {};
  return text.substr(at, text.find('\n', at) - at);
}

std::string_view LastLine(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  const size_t at = text.rfind('\n');
  return at == std::string_view::npos ? text : text.substr(at + 1);
}

RunFailure FailureOf(const ChildEnd& end, const ChildLimits& limits) {
  if (end.how == ChildEnd::How::kHung) {
    return {"hang",
            "simulated time stood still for " +
                std::to_string(ToMilliseconds(limits.hang_cpu_max)) +
                " ms of processor time; a back trace is below; the knob is "
                "run_hang_cpu_max",
            {}};
  }
  if (const std::string_view line = LineWith(end.diagnosis, "INVARIANT failed"); !line.empty()) {
    return {"invariant", std::string(line), {}};
  }
  std::string text = end.how == ChildEnd::How::kSignalled
                         ? std::string("signal ") + strsignal(end.code)
                         : "exit code " + std::to_string(end.code);
  if (const std::string_view line = LineWith(end.diagnosis, "terminate called"); !line.empty()) {
    text += ": " + std::string(line);
  } else if (const std::string_view error = LineWith(end.diagnosis, "ERROR: "); !error.empty()) {
    text += ": " + std::string(error);  // A sanitizer's.
  } else if (end.how == ChildEnd::How::kExited && !end.diagnosis.empty()) {
    text += ": " + std::string(LastLine(end.diagnosis));
  }
  return {"crash", std::move(text), {}};
}

// Of a run whose process ended before it could compare its last entry, and of which no difference
// is known: it entered `entries`.
void CompareCrash(const ChildEnd& end, uint64_t entries, const RunRequest& request,
                  RunResult& result) {
  Comparer comparer;
  const absl::Status opened = comparer.Open(request.compare_with, request.seed);
  if (!opened.ok()) {  // It was readable when the run began.
    result.failures.push_back({.kind = "recording", .text = std::string(opened.message())});
    return;
  }
  comparer.Skip(entries);
  comparer.Finish(end.how == ChildEnd::How::kHung ? RunEnd::kFromOutside : RunEnd::kItself);
  result.comparison = comparer.comparison();
}

// The back traces in `text`, with the names of functions. The addresses are of a forked child: they
// are this process's own.
std::string NameFunctions(std::string_view text) {
  absl::InitializeSymbolizer("/proc/self/exe");
  std::string named;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    named.append(line);
    const size_t at = line.rfind("[0x");
    uint64_t address = 0;
    char name[512];
    if (at != std::string_view::npos && line.ends_with(']')) {
      std::from_chars(line.data() + at + 3, line.data() + line.size() - 1, address, 16);
    }
    // A return address: the call is before it.
    if (address != 0 &&
        absl::Symbolize(reinterpret_cast<const void*>(address - 1), name, sizeof name)) {
      named.append(" ").append(name);
    }
    named += '\n';
  }
  return named;
}

}  // namespace

void ProgressMonitor::Stepped(const Timeline& timeline) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  progress_.time_ns.store(ToNanoseconds(timeline.Now()), kRelaxed);
  progress_.events.store(timeline.events(), kRelaxed);
  progress_.notes.store(timeline.notes(), kRelaxed);
  progress_.hash.store(timeline.hash(), kRelaxed);
}

ChildLimits LimitsOf(const RunRequest& request) {
  KnobSet knobs;
  const absl::Status set = SetKnobsOf(request, knobs);
  INVARIANT(set.ok(), "a request is validated before", std::string(set.message()));
  const RunKnobs& bounds = knobs.Get<RunKnobs>();
  return {.hang_cpu_max = bounds.run_hang_cpu_max, .memory_bytes_max = bounds.run_memory_bytes_max};
}

RunResult ResultOf(const ChildEnd& end, const Progress& progress, const RunRequest& request) {
  RunResult result;
  absl::StatusOr<RunResult> sent = DecodeRunResult(LastResult(end.results));
  if (sent.ok()) result = *std::move(sent);
  result.seed = request.seed;
  result.scenario = request.scenario.name;
  result.diagnosis = end.diagnosis;
  result.cpu = end.cpu;
  if (end.how == ChildEnd::How::kFinished) return result;
  result.simulated = TimeFromNanoseconds(progress.time_ns.load());
  result.events = progress.events.load();
  result.notes = progress.notes.load();
  result.hash = progress.hash.load();
  RunFailure failure = FailureOf(end, LimitsOf(request));
  failure.time = result.simulated;
  failure.event = result.notes + 1;
  result.failures.push_back(std::move(failure));
  if (result.comparison.has_value() && !result.comparison->divergence.has_value()) {
    CompareCrash(end, progress.entries.load(), request, result);
  }
  return result;
}

RunResult RunIsolated(const RunRequest& request) {
  const Duration begin = MonotonicNow();
  SharedMemory memory(sizeof(Progress));
  Progress& progress = *static_cast<Progress*>(memory.data());
  const ChildEnd end = RunForked(
      [&](int result) {
        ProgressMonitor monitor(progress, result);
        monitor.Known(RunHere(request, monitor, begin));
      },
      progress, LimitsOf(request));
  RunResult result = ResultOf(end, progress, request);
  if (!result.passed()) result.diagnosis = NameFunctions(result.diagnosis);
  return result;
}

RunResult RunScenario(const System& system, const Scenario& scenario, uint64_t seed,
                      std::vector<std::string> knobs) {
  const RunRequest request = {
      .system = system, .scenario = scenario, .seed = seed, .knobs = std::move(knobs)};
  const absl::Status valid = ValidateRequest(request, "");
  INVARIANT(valid.ok(), std::string(valid.message()));
  return RunIsolated(request);
}

}  // namespace orrery::sim
