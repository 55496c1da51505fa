// What becomes of a run in a process of its own, seen from outside.
#pragma once

#include "sim/run/isolate.h"
#include "sim/run/runner.h"

namespace orrery::sim {

// Keeps Progress up to date and sends what is known to the parent.
class ProgressMonitor : public RunMonitor {
 public:
  // REQUIRES: `progress` outlives this; `result` is an open descriptor.
  ProgressMonitor(Progress& progress, int result) : progress_(progress), result_(result) {}

  void Stepped(const Timeline& timeline) override;
  void Known(const RunResult& result) override { WriteResult(result_, EncodeRunResult(result)); }
  void Entered(uint64_t index) override {
    progress_.entries.store(index, std::memory_order_relaxed);
  }

 private:
  Progress& progress_;
  const int result_;
};

// The bounds that the knobs of `request` set. REQUIRES: the request is valid.
ChildLimits LimitsOf(const RunRequest& request);

// In the text of a hang whose events did not end; in one event it says so too.
inline constexpr const char* kHungAcrossEvents = "while events went on";

// The result that the child sent last, with a failure added when the child did not end well, and
// with names of functions in its back traces. REQUIRES: the child is of this program.
RunResult ResultOf(const ChildEnd& end, const Progress& progress, const RunRequest& request);

// Of a run that `why` kept from beginning.
RunResult NotStarted(const absl::Status& why, const RunRequest& request);

}  // namespace orrery::sim
