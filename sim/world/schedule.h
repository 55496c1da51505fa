// Schedule: where the seed may choose an order, and where the default order holds.
//
// Events of one moment and tasks that are ready at once may go in any order; the seed draws it. The
// default order is that of insertion. A run without a Schedule draws everywhere. With one, the seed
// draws only within its windows: a minimised plan shows so which deviations from the default order
// a failure needs. Draws go by ordinal, and those that are not used are counted too: a window more
// or less shifts no draw of the others. One window over a whole run is the run without a Schedule.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/time.h"

namespace orrery::sim {

struct ScheduleWindow {
  std::string process;  // "" is the world's own loop.
  Time from{};          // World time, including.
  Time to{};            // Excluding.
};

// Immutable after construction; outlives the world that it is given to.
class Schedule {
 public:
  // In any order; they may overlap. An empty one is left out.
  explicit Schedule(std::vector<ScheduleWindow> windows);

  // The windows of one process, ordered and apart; valid as long as this.
  const std::vector<ScheduleWindow>& WindowsOf(std::string_view process) const;

 private:
  std::vector<std::pair<std::string, std::vector<ScheduleWindow>>> by_process_;
  std::vector<ScheduleWindow> none_;
};

// Whether a moment lies in one of some windows, for moments that never go back: O(1) each.
class DrawnSpans {
 public:
  // REQUIRES: `windows` is of Schedule::WindowsOf, and outlives this.
  explicit DrawnSpans(const std::vector<ScheduleWindow>& windows) : windows_(&windows) {}

  bool Contains(Time now);

 private:
  const std::vector<ScheduleWindow>* windows_;
  size_t next_ = 0;  // The first that has not ended.
};

}  // namespace orrery::sim
