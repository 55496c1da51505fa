// Running, comparing, and telling why it differs.
#include "sim/run/replay/replay.h"

#include "sim/run/check.h"
#include "sim/run/report.h"
#include "sim/run/runner.h"
#include "sim/run/signature.h"

namespace orrery::sim {
namespace {

constexpr char kThisRun[] = "this run:";

std::string Number(uint64_t event) { return "#" + std::to_string(event); }

void AddDifference(RunResult& run, std::string text, uint64_t event) {
  run.failures.push_back(
      {.kind = "difference", .text = std::move(text), .time = run.simulated, .event = event});
}

// Whether this program, on this machine, does the same each time; told as a failure when not. A run
// that stopped at an event is no whole one to compare with.
bool RunsAgree(const PreparedReplay& replay, RunResult& run) {
  const CheckResult check = CheckDeterminism(replay.request(), replay.arguments());
  std::string text = DescribeCheck(check);
  const bool whole = !run.stopped || !replay.break_point().has_value();
  if (check.same && whole && check.first.hash != run.hash) {
    text = "NOT DETERMINISTIC: this run has hash " + HashText(run.hash) +
           ", two more in fresh processes have " + HashText(check.first.hash) + "\n";
  }
  if (text.empty()) return true;
  run.failures.push_back(
      {.kind = "nondeterminism", .text = std::move(text), .time = run.simulated, .event = 0});
  return false;
}

// Of a difference from what is stored: whether runs of today differ too, or only then and now do.
void FindOutWhy(const PreparedReplay& replay, const std::string& stored, std::string difference,
                uint64_t event, RunResult& run) {
  const bool agree = RunsAgree(replay, run);
  if (agree) {
    difference += "two more runs of this program agree: " + stored +
                  " is of another build, or of another plan, scenario or knobs\n";
  }
  AddDifference(run, std::move(difference), event);
}

// "passed", or "failed: check ledger: ..."
std::string Ended(const std::string& signature) {
  return signature.empty() ? "passed" : "failed: " + signature;
}

std::string HowFar(const Comparison& comparison, const RunResult& run) {
  const bool all = comparison.same == comparison.recorded;
  if (run.stopped && !all) {
    return "the same up to where it stopped, event " + Number(comparison.same) + " of " +
           std::to_string(comparison.recorded);
  }
  const std::string events =
      "all its " + std::to_string(comparison.recorded) + " events are the same";
  switch (comparison.end) {
    case RecordingEnd::kComplete:
      return "same hash: " + events;
    case RecordingEnd::kStopped:
      return events + "; it was stopped there";
    case RecordingEnd::kFull:
      return events + "; it was full then";
    case RecordingEnd::kCut:
      break;
  }
  return all ? events + "; its run crashed or was killed there"
             : "the same up to event " + Number(comparison.same) + "; it goes on to " +
                   Number(comparison.recorded) + ", where its run crashed or was killed";
}

void CompareWithRecording(const PreparedReplay& replay, ReplayResult& result) {
  const std::string stored = "the recording " + replay.request().compare_with;
  if (!result.run.comparison.has_value()) return;  // It could not be read: a failure already.
  const Comparison& comparison = *result.run.comparison;
  result.same = !comparison.divergence.has_value();
  if (*result.same) {
    result.compared = "compared with " + stored + ": " + HowFar(comparison, result.run);
    return;
  }
  const Divergence& divergence = *comparison.divergence;
  FindOutWhy(
      replay, stored,
      "the run differs from " + stored + "\n" +
          DescribeDivergence(divergence, EntityNames(result.run), "the recording:", kThisRun),
      divergence.index(), result.run);
}

void CompareWithPlan(const PreparedReplay& replay, ReplayResult& result) {
  const std::string hash = HashText(result.run.hash);
  result.same = hash == replay.plan_hash();
  if (*result.same) {
    result.compared = "compared with the plan " + replay.plan_file() + ": same hash";
    return;
  }
  std::string text =
      "the run has hash " + hash + ", and the plan says " + replay.plan_hash() + "\n";
  const std::string now = result.run.passed() ? "" : SignatureOf(result.run);
  if (now == replay.plan_signature()) {
    text += "it " + Ended(now) + ", as it did when the plan was saved\n";
  } else {
    text += "it " + Ended(now) + "; when the plan was saved it " + Ended(replay.plan_signature()) +
            "\n";
  }
  FindOutWhy(replay, "the hash in the plan", std::move(text), 0, result.run);
}

}  // namespace

ReplayResult Replay(const PreparedReplay& replay, ReplayObserver* observer, bool in_this_process) {
  ReplayResult result;
  RunRequest request = replay.request();
  request.observer = observer;
  const bool twice = replay.reference() == Reference::kTwoRuns;
  if (twice && observer == nullptr && request.recording_file.empty() && !in_this_process) {
    // Nobody looks on: the two are enough.
    CheckResult check = CheckDeterminism(request, replay.arguments());
    result.run = check.first;
    result.same = check.same;
    if (!check.same) {
      result.run.failures.push_back(
          {.kind = "nondeterminism", .text = DescribeCheck(check), .time = result.run.simulated});
    }
  } else {
    result.run = in_this_process ? RunUnwatched(request) : RunIsolated(request);
    if (twice) result.same = RunsAgree(replay, result.run);
  }
  switch (replay.reference()) {
    case Reference::kRecording:
      CompareWithRecording(replay, result);
      break;
    case Reference::kPlan:
      CompareWithPlan(replay, result);
      break;
    case Reference::kTwoRuns:
      result.compared = "compared with further runs, in fresh and different processes: same hash";
      break;
    case Reference::kNothing:
      result.compared =
          "compared with nothing: where a run stops at an event, give --recording FILE";
      break;
  }
  return result;
}

}  // namespace orrery::sim
