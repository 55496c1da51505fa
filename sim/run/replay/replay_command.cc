// Reading a replay's options and finding its files.
#include "sim/run/replay/replay_command.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "sim/fault/draw.h"
#include "sim/fault/fault_plan.pb.h"
#include "sim/run/atomic_file.h"
#include "sim/run/recording_file.h"
#include "sim/run/report.h"
#include "sim/run/run_target.h"

namespace orrery::sim {
namespace {

constexpr char kRecordingExtension[] = ".orrc";
constexpr char kDifference[] = "difference";

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!IsNumber(text) || error != std::errc()) return std::nullopt;
  return number;
}

bool Exists(const std::string& file) {
  struct stat about {};
  return stat(file.c_str(), &about) == 0;
}

bool SameFile(const std::string& first, const std::string& second) {
  struct stat a {};
  struct stat b {};
  return stat(first.c_str(), &a) == 0 && stat(second.c_str(), &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

absl::Status Refuse(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

}  // namespace

absl::StatusOr<BreakPoint> BreakPoint::Parse(const std::string& text) {
  if (text == kDifference) return BreakPoint{.kind = Kind::kDifference, .number = 0, .type = {}};
  const std::string_view digits = std::string_view(text).substr(text.starts_with('#') ? 1 : 0);
  if (const std::optional<uint64_t> number = ParseNumber(digits); number.value_or(0) > 0) {
    return BreakPoint{.kind = Kind::kNumber, .number = *number, .type = {}};
  }
  const std::string type = text.substr(0, text.find(':'));
  const std::optional<uint64_t> nth =
      type.size() == text.size() ? 1 : ParseNumber(std::string_view(text).substr(type.size() + 1));
  const bool letters = std::all_of(type.begin(), type.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
  if (!type.empty() && type[0] >= 'A' && type[0] <= 'Z' && letters && nth.value_or(0) > 0) {
    return BreakPoint{.kind = Kind::kType, .number = *nth, .type = type};
  }
  return Refuse("--break " + text +
                ": expected an event's number (1234), the type of a trace event (RecoveryBegan, or "
                "RecoveryBegan:2 for the second), or \"difference\"");
}

std::string BreakPoint::ToText() const {
  switch (kind) {
    case Kind::kNumber:
      return "event #" + std::to_string(number);
    case Kind::kType:
      return type + (number == 1 ? "" : ":" + std::to_string(number));
    case Kind::kDifference:
      return "the first event that differs from the recording";
  }
  return {};
}

std::optional<TraceLevel> ParseLevel(const std::string& text) {
  for (const TraceLevel level :
       {TraceLevel::kDebug, TraceLevel::kInfo, TraceLevel::kWarn, TraceLevel::kError}) {
    if (text == NameOfLevel(level)) return level;
  }
  return std::nullopt;
}

const char* NameOfLevel(TraceLevel level) {
  switch (level) {
    case TraceLevel::kDebug:
      return "debug";
    case TraceLevel::kInfo:
      return "info";
    case TraceLevel::kWarn:
      return "warn";
    case TraceLevel::kError:
      break;
  }
  return "error";
}

absl::StatusOr<std::unique_ptr<PreparedReplay>> PreparedReplay::Make(const ReplayCommand& command,
                                                                     const System& system) {
  auto replay = std::unique_ptr<PreparedReplay>(new PreparedReplay());
  RETURN_IF_ERROR(replay->FindFiles(command));
  RETURN_IF_ERROR(replay->ReadOptions(command));
  const bool of_seed = replay->plan_file_.empty();
  const SimCommand sim = {.program = command.program,
                          .scenario_file = replay->scenario_file_,
                          .seed = of_seed ? command.target : "",
                          .knobs = command.knobs,
                          .plan_file = replay->plan_file_,
                          .save_plan_file = {},
                          .trace_file = {},
                          .leg = {}};
  ASSIGN_OR_RETURN(replay->run_, PreparedRun::Make(sim, system));
  RunRequest request = replay->run_->request();
  request.recording_file = command.save_recording_file;
  request.until = replay->until_;
  replay->request_.emplace(std::move(request));
  RETURN_IF_ERROR(replay->CheckRecordings(command));
  replay->request_->compare_with = replay->recording_file_;
  if (!replay->recording_file_.empty()) {
    replay->reference_ = Reference::kRecording;
  } else if (replay->break_point_.has_value()) {
    replay->reference_ = Reference::kNothing;
  } else if (!replay->plan_hash_.empty() && replay->until_ == kNever) {
    replay->reference_ = Reference::kPlan;
  } else {
    replay->reference_ = Reference::kTwoRuns;
  }
  return replay;
}

// The plan, and what lies beside it.
absl::Status PreparedReplay::FindFiles(const ReplayCommand& command) {
  words_ = {command.program, "replay", command.target};
  const auto add_word = [this](const char* option, const std::string& value) {
    if (!value.empty()) words_.insert(words_.end(), {option, value});
  };
  add_word("--scenario", command.scenario_file);
  add_word("--recording", command.recording_file);
  for (const std::string& knob : command.knobs) add_word("--knob", knob);
  recording_file_ = command.recording_file;
  ASSIGN_OR_RETURN(const RunTarget target, RunTarget::Find(command.target, command.scenario_file));
  scenario_file_ = target.scenario_file;
  plan_file_ = target.plan_file;
  if (plan_file_.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(plan_file_));
  const absl::StatusOr<FaultPlan> plan = FaultPlanFromText(text);
  if (!plan.ok()) return Refuse(plan_file_ + ": " + std::string(plan.status().message()));
  plan_hash_ = plan->outcome().hash();
  plan_signature_ = plan->outcome().signature();
  if (recording_file_.empty()) {
    recording_file_ = WithoutExtension(plan_file_) + kRecordingExtension;
    if (!Exists(recording_file_)) recording_file_.clear();
  }
  return absl::OkStatus();
}

absl::Status PreparedReplay::ReadOptions(const ReplayCommand& command) {
  if (!command.until.empty()) {
    ASSIGN_OR_RETURN(until_, ParseMoment("--until", command.until));
  }
  if (!command.trace_level.empty()) {
    trace_level_ = ParseLevel(command.trace_level);
    if (!trace_level_.has_value()) {
      return Refuse("--trace " + command.trace_level + ": expected debug, info, warn or error");
    }
  }
  if (command.break_point.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(break_point_, BreakPoint::Parse(command.break_point));
  return absl::OkStatus();
}

absl::Status PreparedReplay::CheckRecordings(const ReplayCommand& command) {
  if (!recording_file_.empty()) {
    ASSIGN_OR_RETURN(const auto file, RecordingFile::Open(recording_file_));
    if (file->seed() != request_->seed && command.recording_file.empty()) {
      // What lies beside the plan by chance is of another.
      recording_file_.clear();
    } else if (file->seed() != request_->seed) {
      return Refuse(recording_file_ + ": is a recording of seed " + std::to_string(file->seed()) +
                    ", not of " + std::to_string(request_->seed));
    }
  }
  if (recording_file_.empty() && break_point_.has_value() &&
      break_point_->kind == BreakPoint::Kind::kDifference) {
    return Refuse(
        "--break difference: there is no recording to differ from; give --recording FILE");
  }
  const std::string& save = command.save_recording_file;
  if (save.empty()) return absl::OkStatus();
  if (!recording_file_.empty() && SameFile(save, recording_file_)) {
    return Refuse("--save-recording " + save +
                  ": is the recording that the run is compared with; give another name");
  }
  return TryToWrite(save);
}

std::string PreparedReplay::CommandWith(const std::vector<std::string>& more) const {
  std::vector<std::string> words = words_;
  words.insert(words.end(), more.begin(), more.end());
  return ShellCommand(words);
}

}  // namespace orrery::sim
