// The windows of each process, merged and in order.
#include "sim/world/schedule.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace orrery::sim {

Schedule::Schedule(std::vector<ScheduleWindow> windows) {
  std::sort(windows.begin(), windows.end(), [](const ScheduleWindow& a, const ScheduleWindow& b) {
    return std::tie(a.process, a.from, a.to) < std::tie(b.process, b.from, b.to);
  });
  for (ScheduleWindow& window : windows) {
    if (window.from >= window.to) continue;
    if (by_process_.empty() || by_process_.back().first != window.process) {
      by_process_.emplace_back(window.process, std::vector<ScheduleWindow>());
    }
    std::vector<ScheduleWindow>& merged = by_process_.back().second;
    if (!merged.empty() && window.from <= merged.back().to) {
      merged.back().to = std::max(merged.back().to, window.to);
    } else {
      merged.push_back(std::move(window));
    }
  }
}

const std::vector<ScheduleWindow>& Schedule::WindowsOf(std::string_view process) const {
  const auto found = std::find_if(by_process_.begin(), by_process_.end(),
                                  [process](const auto& each) { return each.first == process; });
  return found == by_process_.end() ? none_ : found->second;
}

bool DrawnSpans::Contains(Time now) {
  while (next_ < windows_->size() && (*windows_)[next_].to <= now) ++next_;
  return next_ < windows_->size() && (*windows_)[next_].from <= now;
}

}  // namespace orrery::sim
