// InlineThreads: pools of threads without threads. A work runs in one piece, on the simulator's
// thread, at the moment when it would have ended; its time is drawn. At most `pool.threads` works
// of a pool are under way at once, the others wait in order of arrival.
//
// Work whose Task is destroyed while it is under way keeps its thread, runs when its time has come
// and is destroyed then; work that waits is destroyed at once.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/env/threads.h"
#include "sim/world/loop.h"

namespace orrery::sim {

// How long works take: see DrawLatency. One draw for each world, by its seed.
struct WorkTimes {
  Duration median = Microseconds(100);
  Duration tail_max = Milliseconds(10);

  static WorkTimes Draw(uint64_t seed);

  // By name, for the head of a run's report. In nanoseconds.
  std::vector<std::pair<std::string_view, int64_t>> List() const;
};

class InlineThreads final : public Threads {
 public:
  // With the times of the seed of the loop's timeline. REQUIRES: `loop` outlives this.
  explicit InlineThreads(Loop& loop);
  ~InlineThreads();  // REQUIRES: no Task of Run is suspended.

  // Pools are told apart by their names. REQUIRES: pool.threads > 0, the same for the same name.
  Task<std::unique_ptr<Work>> Run(const Pool& pool, std::unique_ptr<Work> work) override;

  // Works that have not run never will, and are destroyed: those without a Task now, the others
  // with their Task.
  void Fence();

 private:
  class Awaiter;
  struct Job;
  struct PoolState;

  void Begin(Job& job);
  void Complete(Job& job);
  void GiveUp(Job& job);

  Loop& loop_;
  const WorkTimes times_;
  uint64_t begun_ = 0;
  bool fenced_ = false;
  std::map<std::string, PoolState> pools_;
};

}  // namespace orrery::sim
