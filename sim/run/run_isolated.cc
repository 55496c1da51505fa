// What to make of the end of a run's process.
#include "sim/run/run_isolated.h"

#include <link.h>

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
#include "sim/run/run_pool.h"
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
  if (end.how == ChildEnd::How::kNotStarted) {
    return {"start", "the run's process could not be started: " + end.diagnosis, {}};
  }
  if (end.how == ChildEnd::How::kHung) {
    return {"hang",
            "simulated time stood still for " +
                std::to_string(ToMilliseconds(limits.hang_cpu_max)) + " ms of processor time " +
                (end.events_went_on ? kHungAcrossEvents : "within one event") +
                "; a back trace is below; the knob is run_hang_cpu_max",
            {}};
  }
  if (const std::string_view line = LineWith(end.diagnosis, "INVARIANT failed"); !line.empty()) {
    return {"invariant", std::string(line), {}};
  }
  if (end.how == ChildEnd::How::kFinished) {
    return {"crash", "exit code 0 before the end of the run", {}};
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

// Where this program lies in memory; what its addresses are relative to.
uint64_t ProgramBase() {
  uint64_t base = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* result) {
        *static_cast<uint64_t*>(result) = info->dlpi_addr;
        return 1;  // The first is the program.
      },
      &base);
  return base;
}

// The address in this process of a line "program(+0x1c54)[0x55bfe8]" of a back trace of another
// process of the same program; 0 when it is no such line, or of a library.
uint64_t AddressOfFrame(std::string_view line) {
  constexpr std::string_view kOffset = "(+0x";
  const size_t at = line.find(kOffset);
  if (at == std::string_view::npos || !line.ends_with(']')) return 0;
  if (line.substr(0, at).find(".so") != std::string_view::npos) return 0;
  uint64_t offset = 0;
  std::from_chars(line.data() + at + kOffset.size(), line.data() + line.size(), offset, 16);
  return offset == 0 ? 0 : ProgramBase() + offset;
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

// `text` with the names of functions added to its back traces.
std::string NameFunctions(std::string_view text) {
  std::string named;
  if (text.empty()) return named;
  absl::InitializeSymbolizer("/proc/self/exe");
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    named.append(line);
    const uint64_t address = AddressOfFrame(line);
    char name[512];
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
  const int64_t time_ns = ToNanoseconds(timeline.Now());
  if (time_ns != progress_.time_ns.load(kRelaxed)) {
    progress_.moment_events.store(timeline.events(), kRelaxed);
    progress_.moment_notes.store(timeline.notes(), kRelaxed);
    progress_.moment_hash.store(timeline.hash(), kRelaxed);
  }
  progress_.time_ns.store(time_ns, kRelaxed);
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
  // A check for determinism sends those of its own children.
  result.diagnosis += NameFunctions(end.diagnosis);
  result.cpu = end.cpu;
  const bool finished = end.how == ChildEnd::How::kFinished;
  if (finished && (result.phase == "end" || result.stopped || !result.passed())) return result;
  result.simulated = TimeFromNanoseconds(progress.time_ns.load());
  const bool hung = end.how == ChildEnd::How::kHung;
  result.events = (hung ? progress.moment_events : progress.events).load();
  result.notes = (hung ? progress.moment_notes : progress.notes).load();
  result.hash = (hung ? progress.moment_hash : progress.hash).load();
  RunFailure failure = FailureOf(end, LimitsOf(request));
  failure.time = result.simulated;
  failure.event = result.notes + 1;
  result.failures.push_back(std::move(failure));
  if (result.comparison.has_value() && !result.comparison->divergence.has_value()) {
    CompareCrash(end, progress.entries.load(), request, result);
  }
  return result;
}

RunResult NotStarted(const absl::Status& why, const RunRequest& request) {
  const ChildEnd end{
      .how = ChildEnd::How::kNotStarted, .results = {}, .diagnosis = std::string(why.message())};
  return ResultOf(end, Progress(), request);
}

RunResult RunIsolated(const RunRequest& request) {
  RunPool pool(1);
  if (const absl::Status begun = pool.Start(0, request); !begun.ok()) {
    return NotStarted(begun, request);
  }
  while (true) {
    if (std::optional<RunPool::Finished> run = pool.Await(Seconds(1))) {
      return std::move(run->result);
    }
  }
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
