// Schedule: where the seed may choose an order, and where the default order holds.
//
// Events of one moment and tasks that are ready at once may go in any order; the seed draws it. The
// default order is that of insertion. A run without a Schedule draws everywhere. With one, the seed
// draws only within its windows: a minimised plan shows so which deviations from the default order
// a failure needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"

namespace orrery::sim {

struct ScheduleWindow {
  std::string process;  // "" is the world's own loop.
  Time from{};          // World time, including.
  Time to{};            // Excluding.
};

class Schedule {
 public:
  explicit Schedule(std::vector<ScheduleWindow> windows);

  // The windows of one process, ordered; valid as long as this.
  const std::vector<ScheduleWindow>& WindowsOf(std::string_view process) const;

 private:
  std::vector<std::pair<std::string, std::vector<ScheduleWindow>>> by_process_;
  std::vector<ScheduleWindow> none_;
};

}  // namespace orrery::sim
