// Causes of tasks, merged as they wake each other.
#include "sim/report/task_flow.h"

#include <algorithm>
#include <iterator>

namespace orrery::sim {
namespace {

void Merge(const TaskFlow::Causes& from, TaskFlow::Causes& into) {
  TaskFlow::Causes both;
  std::ranges::set_union(from, into, std::back_inserter(both));
  if (both.size() > TaskFlow::kCausesMax) {
    both.erase(both.begin(), both.end() - static_cast<ptrdiff_t>(TaskFlow::kCausesMax));
  }
  into = std::move(both);
}

}  // namespace

void TaskFlow::Woken(uint64_t loop, uint64_t step, uint64_t by, uint64_t whom) {
  LoopState& state = loops_[loop];
  if (by == whom) return;
  if (by == kNoTask) {
    if (state.step == step && !state.outside.empty()) Merge(state.outside, state.tasks[whom]);
    return;
  }
  const auto waker = state.tasks.find(by);
  if (waker == state.tasks.end() || waker->second.empty()) return;
  Merge(waker->second, state.tasks[whom]);
}

TaskFlow::Causes TaskFlow::Happened(uint64_t loop, uint64_t step, uint64_t task, uint64_t event,
                                    bool arrival) {
  LoopState& state = loops_[loop];
  Causes causes;
  if (task != kNoTask) {
    Causes& own = state.tasks[task];
    if (!arrival) causes = own;
    own = {event};
    return causes;
  }
  if (!arrival && state.step == step) causes = state.outside;
  state.step = step;
  state.outside = {event};
  return causes;
}

}  // namespace orrery::sim
