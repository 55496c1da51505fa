// Progress: one line on standard error that says how far a minimisation is: rewritten on a
// terminal, else written anew every few seconds.
#pragma once

#include "core/base/time.h"
#include "sim/run/minimise/minimiser.h"

namespace orrery::sim {

class MinimiseProgress {
 public:
  // `until` is of MonotonicNow, where the time is up.
  explicit MinimiseProgress(Duration until);
  MinimiseProgress(const MinimiseProgress&) = delete;
  MinimiseProgress& operator=(const MinimiseProgress&) = delete;
  ~MinimiseProgress();  // Leaves the terminal's line clean.

  // Shows it, if it is time to.
  void Show(const MinimiserState& state, uint64_t runs, uint64_t known);

 private:
  const Duration until_;
  const bool terminal_;
  Duration shown_{};
};

}  // namespace orrery::sim
