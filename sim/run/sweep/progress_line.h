// ProgressLine: how far a sweep is, on standard error: one line that is written over on a terminal,
// else a line every ten seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/time.h"
#include "sim/run/sweep/tally.h"

namespace orrery::sim {

// What has been done since this process began, for rates.
struct SweepPace {
  uint64_t runs = 0;
  Duration real{};
  Duration cpu{};
  // Of the sweep, in this and in earlier processes.
  Duration elapsed{};
};

// "120 of 300 runs, 4.2 a second, 7,560 per core-hour, 3 failed, 2 bugs, 0:43 left"
std::string DescribeProgress(const Tally& tally, const SweepPace& pace);

class ProgressLine {
 public:
  ProgressLine();  // Looks whether standard error is a terminal.
  ~ProgressLine() { Clear(); }

  // Writes when it is time to. `now` by MonotonicNow.
  void Show(const Tally& tally, const SweepPace& pace, Duration now);
  // A line of its own, which stays.
  void Tell(const std::string& text);

 private:
  void Clear();

  const bool terminal_;
  bool written_ = false;  // A line that is to be written over.
  std::optional<Duration> last_;
};

}  // namespace orrery::sim
