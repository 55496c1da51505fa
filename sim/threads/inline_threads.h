// InlineThreads: pools of threads without threads. A work runs in one piece, on the simulator's
// thread, at the moment when it would have ended; its time is drawn. At most `pool.threads` works
// of a pool are under way at once, the others wait in order of arrival.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "core/env/threads.h"
#include "sim/world/loop.h"

namespace orrery::sim {

class InlineThreads final : public Threads {
 public:
  // REQUIRES: `loop` outlives this.
  explicit InlineThreads(Loop& loop);
  ~InlineThreads();

  Task<std::unique_ptr<Work>> Run(const Pool& pool, std::unique_ptr<Work> work) override;

  // Works that have not run never will, and are destroyed.
  void Fence();

 private:
  class Job;
  struct PoolState {
    int free = 0;
    std::deque<Job*> waiting;  // nullptr where a job was given up.
    uint64_t popped = 0;       // From `waiting`, ever.
  };

  void Begin(Job& job);
  void End(PoolState& pool);

  Loop& loop_;
  uint64_t jobs_ = 0;
  bool fenced_ = false;
  std::map<std::string, PoolState> pools_;
};

}  // namespace orrery::sim
