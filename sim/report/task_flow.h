// TaskFlow: which events led to an event, step by step: those before it in its task, and those of
// the tasks that woke it.
//
// What a task does next is led to by its last event and by whatever its wakers were led to by when
// they woke it. An event that tells of an arrival is led to by the message alone: a task that reads
// one message after the other does not tie them together. What reached a task through memory
// instead (a queue that it looked at without being woken) is not seen: this is the shortest story,
// not all that may have mattered.
//
// Pure. Loops and tasks are numbers; a step is one dispatch of the world.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace orrery::sim {

class TaskFlow {
 public:
  // The most causes of one event; the newest count.
  static constexpr size_t kCausesMax = 8;
  static constexpr uint64_t kNoTask = 0;

  using Causes = std::vector<uint64_t>;  // Events, ascending.

  // On `loop`, in `step`, task `by` made task `whom` ready. kNoTask: a timer or an arrival did, and
  // events that happened outside of tasks in the same step led to it.
  void Woken(uint64_t loop, uint64_t step, uint64_t by, uint64_t whom);

  // `event`, larger than all before, happened in `task`. Gives what led to it.
  Causes Happened(uint64_t loop, uint64_t step, uint64_t task, uint64_t event, bool arrival);

  // The loop is gone.
  void Forget(uint64_t loop) { loops_.erase(loop); }

 private:
  struct LoopState {
    std::map<uint64_t, Causes> tasks;
    uint64_t step = 0;  // Of the last event outside of tasks.
    Causes outside;     // That event.
  };

  std::map<uint64_t, LoopState> loops_;
};

}  // namespace orrery::sim
