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

#include "core/env/threads.h"
#include "sim/world/loop.h"

namespace orrery::sim {

class InlineThreads final : public Threads {
 public:
  // REQUIRES: `loop` outlives this.
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
  uint64_t begun_ = 0;
  bool fenced_ = false;
  std::map<std::string, PoolState> pools_;
};

}  // namespace orrery::sim
