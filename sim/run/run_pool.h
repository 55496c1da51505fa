// RunPool: several runs at a time, each in a forked process of its own, watched from one thread.
//
//   RunPool pool(jobs);
//   while (pool.busy() < jobs && more()) pool.Start(ticket, request);
//   RunPool::Finished run = pool.Await();
//
// What becomes of a run (signal, failed INVARIANT, memory without end, hang) is its own result, as
// with RunIsolated; the pool and the other runs go on. Memory of a pool does not grow with the
// number of its runs.
//
// REQUIRES: the calling process has one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/time.h"
#include "sim/run/run_result.h"
#include "sim/run/runner.h"

namespace orrery::sim {

class RunPool {
 public:
  struct Finished {
    uint64_t ticket = 0;
    RunResult result;
  };

  explicit RunPool(int jobs);  // At most this many at a time; at least 1.
  RunPool(const RunPool&) = delete;
  RunPool& operator=(const RunPool&) = delete;
  ~RunPool();  // Kills what still runs and waits for it.

  int jobs() const;
  int busy() const;  // Started, and not yet given by Await.

  // Starts a run. `ticket` is given back with its result. REQUIRES: busy() < jobs(); the request is
  // valid (ValidateRequest), and what it refers to outlives the run.
  void Start(uint64_t ticket, const RunRequest& request);

  // Waits for the next run to end, in whatever order they end; nullopt when none did within
  // `patience`, or a signal came. REQUIRES: busy() > 0.
  std::optional<Finished> Await(Duration patience);

  // Kills the run of `ticket`; it is never given. No effect when it is not running.
  void Abandon(uint64_t ticket);

 private:
  struct Running;
  int jobs_;
  std::vector<std::unique_ptr<Running>> running_;
};

}  // namespace orrery::sim
