// RunPool: several runs at a time, each in a forked process of its own, watched from one thread.
//
//   RunPool pool(jobs);
//   while (pool.busy() < jobs && more()) RETURN_IF_ERROR(pool.Start(ticket, request));
//   std::optional<RunPool::Finished> run = pool.Await(Milliseconds(200));
//
// What becomes of a run (signal, failed INVARIANT, memory without end, hang) is its own result, as
// with RunIsolated; the pool and the other runs go on. A run whose process somebody killed is made
// again: see WasKilled. Memory of a pool does not grow with the number of its runs.
//
// REQUIRES: the calling process has one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
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

  int jobs() const { return jobs_; }
  int busy() const { return static_cast<int>(running_.size()); }  // Not yet given by Await.

  // Starts a run. `ticket` is given back with its result; it is not among those that run. What the
  // request refers to outlives the run. REQUIRES: busy() < jobs(); the request is valid
  // (ValidateRequest). platform_error when the machine has no room for another process now; nothing
  // was begun then, and it may work once another run has ended.
  absl::Status Start(uint64_t ticket, const RunRequest& request);

  // The same with a check for determinism, by CheckDeterminism with these arguments: the run is
  // made twice, in executed processes, and a difference is its first failure. No trace or recorder
  // is served.
  absl::Status StartChecked(uint64_t ticket, const RunRequest& request,
                            const std::vector<std::string>& arguments);

  // Waits for the next run to end, in whatever order they end; nullopt when none did within
  // `patience`, which is all that happens when none runs, or a signal came.
  std::optional<Finished> Await(Duration patience);

  // Kills the run of `ticket`; it is never given. No effect when it is not running.
  void Abandon(uint64_t ticket);

 private:
  struct Running;
  absl::Status Begin(std::unique_ptr<Running> run);

  const int jobs_;
  std::vector<std::unique_ptr<Running>> running_;  // In the order they were started.
};

// Whether somebody, or the system for want of memory, ended the run's process: no run does that to
// itself, and nothing is known of it. A pool gives such a result only of a run that was killed each
// of kKilledMax times: then it may well be the run that leaves the machine no memory.
bool WasKilled(const RunResult& result);
inline constexpr int kKilledMax = 5;

}  // namespace orrery::sim
