// What a command line asks of the verb `explain`, apart from how it is parsed and what is printed.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"
#include "sim/report/story.h"
#include "sim/run/sim_command.h"

namespace orrery::sim {

struct ExplainCommand {
  std::string program;  // As it was called.
  std::string target;   // A seed in decimal, or the file of a plan.
  std::string scenario_file;
  std::string out_file;
  std::string from;
  std::string to;
  std::vector<std::string> knobs;  // "NAME=VALUE"
  bool text = false;
  bool all = false;
  int64_t lines = 60;
  bool json = false;
};

// An explanation with its files read and everything checked. Nothing was run or written yet.
class PreparedExplain {
 public:
  // invalid_argument, file_not_found or platform_error, in one line.
  static absl::StatusOr<std::unique_ptr<PreparedExplain>> Make(const ExplainCommand& command,
                                                               const System& system);

  const PreparedRun& run() const { return *run_; }
  // The span of simulated time whose details are wanted.
  const Span& wanted() const { return wanted_; }
  // Where the page goes; "": no page is asked for.
  const std::string& out_file() const { return out_file_; }

 private:
  PreparedExplain() = default;

  std::unique_ptr<PreparedRun> run_;
  Span wanted_{Time(), kNever};
  std::string out_file_;
};

}  // namespace orrery::sim
