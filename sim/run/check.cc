// Pairs of runs, and the search for the first event in which they differ.
#include "sim/run/check.h"

#include <malloc.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "sim/run/isolate.h"
#include "sim/run/real_time.h"
#include "sim/run/recording.h"
#include "sim/run/report.h"
#include "sim/run/run_isolated.h"

namespace orrery::sim {
namespace {

constexpr int kPairsMax = 12;
constexpr uint64_t kMargin = 64;  // Entries recorded before the first that may differ.

// What a leg is told, as the text "hostile,recorded,from,until,descriptor".
struct Leg {
  uint64_t hostile = 0;
  uint64_t recorded = 0;
  uint64_t from = 0;      // Entries up to here are not recorded.
  uint64_t until_ns = 0;  // RunRequest::until.
  uint64_t descriptor = 0;
};

std::string TextOf(const Leg& leg) {
  return std::to_string(leg.hostile) + "," + std::to_string(leg.recorded) + "," +
         std::to_string(leg.from) + "," + std::to_string(leg.until_ns) + "," +
         std::to_string(leg.descriptor);
}

std::optional<Leg> LegFromText(std::string_view text) {
  Leg leg;
  uint64_t* const fields[] = {&leg.hostile, &leg.recorded, &leg.from, &leg.until_ns,
                              &leg.descriptor};
  for (uint64_t* field : fields) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *field);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (field == &leg.descriptor) break;
    if (!text.starts_with(',')) return std::nullopt;
    text.remove_prefix(1);
  }
  if (!text.empty()) return std::nullopt;
  return leg;
}

// One run: what became of it and what was recorded.
struct Outcome {
  std::unique_ptr<SharedMemory> memory;  // None when the run could not be begun.
  RunResult result;

  Recording& recording() const { return *static_cast<Recording*>(memory->data()); }
};

// What malloc fills new memory with, so that a read of it before a write shows: the C library's, or
// AddressSanitizer's in its place.
void AddMallocFill(const std::string& byte, std::vector<std::string>& environment) {
  environment.push_back("MALLOC_PERTURB_=" + byte);
  const char* const options = std::getenv("ASAN_OPTIONS");
  environment.push_back("ASAN_OPTIONS=" + (options == nullptr ? "" : std::string(options) + ":") +
                        "max_malloc_fill_size=4096:malloc_fill_byte=" + byte);
}

Outcome RunOne(const RunRequest& request, const std::vector<std::string>& arguments, Leg leg) {
  Outcome outcome;
  absl::StatusOr<std::unique_ptr<SharedMemory>> memory = SharedMemory::Make(sizeof(Recording));
  if (!memory.ok()) {
    ChildEnd end;
    end.how = ChildEnd::How::kNotStarted;
    end.diagnosis = std::string(memory.status().message());
    outcome.result = ResultOf(end, Progress(), request);
    return outcome;
  }
  outcome.memory = *std::move(memory);
  leg.until_ns = static_cast<uint64_t>(ToNanoseconds(request.until));
  leg.descriptor = static_cast<uint64_t>(outcome.memory->descriptor());
  Execution execution;
  execution.arguments = arguments;
  execution.arguments.push_back(std::string(kLegOption) + "=" + TextOf(leg));
  execution.fixed_addresses = leg.hostile == 0;
  AddMallocFill(leg.hostile == 0 ? "85" : "170", execution.environment);
  if (leg.hostile != 0) execution.environment.push_back("ORRERY_PADDING=" + std::string(7001, 'x'));
  const ChildEnd end = RunExecuted(execution, outcome.recording().progress, LimitsOf(request));
  outcome.result = ResultOf(end, outcome.recording().progress, request);
  return outcome;
}

// Without a process there is nothing to compare.
bool Begun(const Outcome& outcome) {
  return outcome.result.passed() || outcome.result.failures.front().kind != "start";
}

// Those of the run as its result tells it: one that stands still goes on until it is ended.
std::span<const Checkpoint> CheckpointsOf(const Outcome& outcome) {
  std::span<const Checkpoint> all = outcome.recording().all_checkpoints();
  while (!all.empty() && all.back().notes > outcome.result.notes) all = all.first(all.size() - 1);
  return all;
}

bool Same(const Outcome& first, const Outcome& second) {
  return first.result.hash == second.result.hash && first.result.notes == second.result.notes &&
         first.result.passed() == second.result.passed() &&
         std::ranges::equal(CheckpointsOf(first), CheckpointsOf(second));
}

// What a search in two recordings gives.
enum class Search { kFound, kTooLate, kNothing };

// The first difference. kTooLate: they differed already before the first recorded entry.
Search FindDivergence(std::span<const RecordedNote> first, std::span<const RecordedNote> second,
                      Divergence& found) {
  const size_t shorter = std::min(first.size(), second.size());
  if (shorter > 0 && first[0].SameAs(second[0]) && first[0].hash_after != second[0].hash_after) {
    return Search::kTooLate;
  }
  size_t at = 0;
  while (at < shorter && first[at].SameAs(second[at])) ++at;
  if (at == first.size() && at == second.size()) return Search::kNothing;
  if (at == shorter && shorter == kRecordedNotesMax) return Search::kNothing;
  const auto part = [at](std::span<const RecordedNote> notes) {
    const size_t end = std::min(notes.size(), at + kEntriesAfter);
    return std::vector<RecordedNote>(notes.begin() + static_cast<ptrdiff_t>(std::min(at, end)),
                                     notes.begin() + static_cast<ptrdiff_t>(end));
  };
  const size_t begin = at < kEntriesBefore ? 0 : at - kEntriesBefore;
  found.before.assign(first.begin() + static_cast<ptrdiff_t>(begin),
                      first.begin() + static_cast<ptrdiff_t>(at));
  found.first = part(first);
  found.second = part(second);
  return Search::kFound;
}

// Where to record from so that what follows `last_common` is seen. As far back as there is room:
// the next pair may differ earlier.
uint64_t RecordFrom(uint64_t last_common) {
  constexpr uint64_t kAhead = 4 * kNotesPerCheckpoint;
  if (last_common + kAhead < kRecordedNotesMax) return 0;
  return last_common - std::min(last_common, kMargin);
}

// Heap noise: other addresses, other holes, other memory handed out for every later request.
std::vector<std::unique_ptr<char[]>> MakeHeapNoise() {
  Random random(0x5eed);
  std::vector<std::unique_ptr<char[]>> kept;
  for (int i = 0; i < 20'000; ++i) {
    auto block = std::make_unique<char[]>(static_cast<size_t>(random.Between(1, 3000)));
    if (random.Chance(OneIn(3))) kept.push_back(std::move(block));
  }
  for (size_t i = 0; i < kept.size(); i += 2) kept[i].reset();
  return kept;
}

// Keeps checkpoints besides the progress.
class LegMonitor final : public ProgressMonitor {
 public:
  explicit LegMonitor(Recording& recording)
      : ProgressMonitor(recording.progress, kResultDescriptor), recording_(recording) {}

  void Stepped(const Timeline& timeline) override {
    ProgressMonitor::Stepped(timeline);
    if (timeline.notes() < next_ || recording_.checkpoint_count == kCheckpointsMax) return;
    recording_.checkpoints[recording_.checkpoint_count] = {timeline.notes(), timeline.hash()};
    ++recording_.checkpoint_count;
    next_ = timeline.notes() + kNotesPerCheckpoint;
  }

 private:
  Recording& recording_;
  uint64_t next_ = kNotesPerCheckpoint;
};

}  // namespace

uint64_t LastCommonNote(const Recording& first, const Recording& second) {
  uint64_t last = 0;
  const auto a = first.all_checkpoints();
  const auto b = second.all_checkpoints();
  for (size_t i = 0; i < std::min(a.size(), b.size()) && a[i] == b[i]; ++i) last = a[i].notes;
  return last;
}

CheckResult CheckDeterminism(const RunRequest& request, const std::vector<std::string>& arguments) {
  CheckResult check;
  uint64_t from = 0;
  uint64_t earliest = UINT64_MAX;
  while (check.pairs < kPairsMax) {
    // The first pair costs what two runs cost: only one is recorded.
    Outcome first = RunOne(request, arguments, {.recorded = check.pairs > 0, .from = from});
    Outcome second = RunOne(request, arguments, {.hostile = 1, .recorded = 1, .from = from});
    const bool begun = Begun(first) && Begun(second);
    const bool same = !begun || Same(first, second);
    if (++check.pairs == 1) {
      check.same = same;
      check.first = Begun(second) ? first.result : second.result;
      check.second = second.result;
      if (same) return check;
      check.last_common_note = LastCommonNote(first.recording(), second.recording());
    } else if (!same) {
      Divergence found;
      if (FindDivergence(first.recording().all_notes(), second.recording().all_notes(), found) ==
          Search::kFound) {
        check.divergence = std::move(found);
        return check;
      }
    }
    if (same) continue;
    earliest = std::min(earliest, LastCommonNote(first.recording(), second.recording()));
    from = RecordFrom(earliest);
  }
  return check;
}

RunResult RunChecked(const RunRequest& request, const std::vector<std::string>& arguments) {
  CheckResult check = CheckDeterminism(request, arguments);
  RunResult result = check.first;
  if (!check.same) {
    const std::string text = DescribeCheck(check);
    result.failures.insert(result.failures.begin(), {"nondeterminism", text, result.simulated});
  }
  return result;
}

std::string DescribeCheck(const CheckResult& check) {
  if (check.same) return {};
  std::string text = "NOT DETERMINISTIC: two runs of seed " + std::to_string(check.first.seed) +
                     " in fresh processes differ\nfirst hash " + HashText(check.first.hash) +
                     ", second hash " + HashText(check.second.hash) + "\n";
  if (!check.divergence.has_value()) {
    return text + "they agree up to entry " + std::to_string(check.last_common_note) +
           " of the hash; " + std::to_string(check.pairs) +
           " pairs of runs did not show the first difference\n";
  }
  return text + DescribeDivergence(*check.divergence, EntityNames(check.first), "first run:",
                                   "second run (other addresses, heap, environment; recorder on):");
}

bool RunLeg(const RunRequest& request, const std::string& text) {
  const std::optional<Leg> leg = LegFromText(text);
  if (!leg.has_value()) return false;
  TraceDeadlySignals();
  const auto noise = leg->hostile != 0 ? MakeHeapNoise() : std::vector<std::unique_ptr<char[]>>();
  SharedMemory memory(static_cast<int>(leg->descriptor), sizeof(Recording));
  Recording& recording = *static_cast<Recording*>(memory.data());
  RecordingRecorder recorder(recording, leg->from);
  RunRequest recorded = request;
  recorded.until = TimeFromNanoseconds(static_cast<int64_t>(leg->until_ns));
  recorded.observer = leg->recorded != 0 ? &recorder : nullptr;
  LegMonitor monitor(recording);
  monitor.Known(RunHere(recorded, monitor, MonotonicNow()));
  return true;
}

}  // namespace orrery::sim
