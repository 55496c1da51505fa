// What a command line asks of the verb `replay`, apart from how it is parsed and what is printed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"
#include "core/observe/trace.h"
#include "sim/run/sim_command.h"

namespace orrery::sim {

// Where a replay stops. One of:
//   an event's number: after "#1234" was entered into the hash
//   a trace event's type and how many of them, from 1: in the middle of telling it
//   the first event that differs from the recording
struct BreakPoint {
  enum class Kind { kNumber, kType, kDifference };
  Kind kind = Kind::kNumber;
  uint64_t number = 0;  // Of the event, or how many of the type.
  std::string type;

  // "1234", "#1234", "RecoveryBegan", "RecoveryBegan:2", "difference". invalid_argument.
  static absl::StatusOr<BreakPoint> Parse(const std::string& text);
  std::string ToText() const;
};

// "debug", "info", "warn", "error".
std::optional<TraceLevel> ParseLevel(const std::string& text);
const char* NameOfLevel(TraceLevel level);

struct ReplayCommand {
  std::string program;
  std::string target;  // A seed in decimal, or a plan's file.
  std::string scenario_file;
  std::string recording_file;
  std::string until;
  std::string trace_level;
  std::string break_point;
  std::vector<std::string> knobs;
  std::string save_recording_file;
  bool json = false;
};

// What the run is compared with, in order of preference.
enum class Reference {
  kRecording,  // Entry by entry, up to where either ends.
  kPlan,       // The hash that the plan says.
  kTwoRuns,    // Two runs in fresh processes, with each other and with this one.
  kNothing,    // It stops at an event: only a recording could say.
};

// A replay with its files read and everything checked. Nothing was run or written yet.
class PreparedReplay {
 public:
  // invalid_argument, file_not_found, file_corrupt or platform_error: one line.
  static absl::StatusOr<std::unique_ptr<PreparedReplay>> Make(const ReplayCommand& command,
                                                              const System& system);

  // Without observer.
  const RunRequest& request() const { return *request_; }
  // For CheckDeterminism.
  const std::vector<std::string>& arguments() const { return run_->arguments(); }

  Reference reference() const { return reference_; }
  const std::string& plan_file() const { return plan_file_; }
  // Of kPlan: what its run gave when it was saved. The signature is empty when it passed.
  const std::string& plan_hash() const { return plan_hash_; }
  const std::string& plan_signature() const { return plan_signature_; }
  const std::optional<BreakPoint>& break_point() const { return break_point_; }
  const std::optional<TraceLevel>& trace_level() const { return trace_level_; }

  // The command line of this replay with `more` in place of what it asked to be shown.
  std::string CommandWith(const std::vector<std::string>& more) const;

 private:
  PreparedReplay() = default;
  absl::Status FindFiles(const ReplayCommand& command);
  absl::Status ReadOptions(const ReplayCommand& command);
  absl::Status CheckRecordings(const ReplayCommand& command);

  std::vector<std::string> words_;  // "orrery replay TARGET ..."
  std::string plan_file_;           // Empty: of a bare seed.
  std::string scenario_file_;
  std::string recording_file_;
  std::string plan_hash_;
  std::string plan_signature_;
  Reference reference_ = Reference::kNothing;
  Time until_ = kNever;
  std::optional<BreakPoint> break_point_;
  std::optional<TraceLevel> trace_level_;
  std::unique_ptr<PreparedRun> run_;
  std::optional<RunRequest> request_;
};

}  // namespace orrery::sim
