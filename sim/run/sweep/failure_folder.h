// The folder of a bug: one failing run, with all that replaying and reading it needs.
//
//   plan.textproto   the run's fault plan and knobs, and in `outcome` what came of it
//   NAME.toml        the scenario, under its file's own name
//   outcome.txt      what was drawn, the verdict, the back trace: what the verb `sim` prints
//   trace.jsonl      what the processes told
//   plan.orrc        every entry of the run's hash (recording_file.h); not of one that was made
//                    twice because it may differ
//
// It is written beside and then renamed, so that it is there whole or not at all.
#pragma once

#include <string>

#include "core/base/status.h"
#include "sim/run/run_result.h"
#include "sim/run/sweep/sweep_parameters.h"

namespace orrery::sim {

class FailureFolder {
 public:
  // `path` ends in the bug's name.
  explicit FailureFolder(std::string path)
      : path_(std::move(path)), beside_(path_ + ".unfinished") {}

  // Whether it holds this run of the scenario of this name.
  bool Holds(const std::string& scenario, uint64_t seed) const;

  // Makes room for a run that is made again.
  absl::Status Begin() const;
  // Where that run writes what it tells and its recording.
  std::string trace_file() const { return beside_ + "/trace.jsonl"; }
  std::string recording_file() const { return beside_ + "/plan.orrc"; }
  // Adds the other files, and puts the folder in its place. `replay` is the last line of the
  // outcome. REQUIRES: begun.
  absl::Status Finish(const RunResult& result, const std::string& scenario_file,
                      const std::string& scenario_text, const std::string& replay) const;

  // As it lies in `other`. platform_error.
  absl::Status CopyFrom(const FailureFolder& other) const;

 private:
  absl::Status PutInPlace() const;

  const std::string path_;
  const std::string beside_;
};

}  // namespace orrery::sim
