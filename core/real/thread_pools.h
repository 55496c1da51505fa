// Named pools of threads for one loop. See core/env/threads.h for the promises.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/env/threads.h"
#include "core/real/loop.h"

namespace orrery::real {

class ThreadPools final : public Threads {
 public:
  explicit ThreadPools(Loop& loop);
  ~ThreadPools();  // REQUIRES: Shutdown was called.

  Task<std::unique_ptr<Work>> Run(const Pool& pool, std::unique_ptr<Work> work) override;

  // co_await pools.Await(pool, work): the same without a coroutine frame. Cancel-safe.
  class [[nodiscard]] Awaiter;
  Awaiter Await(const Pool& pool, std::unique_ptr<Work> work);

  // Runs `work` with nobody waiting for it; it always runs, and is destroyed on the loop.
  void Detach(const Pool& pool, std::unique_ptr<Work> work);

  // Ends all pools: work that began, and detached work, ends; the rest is dropped. Nothing may be
  // queued afterwards. REQUIRES: no task is left that awaits.
  void Shutdown();

 private:
  class OnePool;
  struct Job;

  void Queue(const Pool& pool, Job& job);

  Loop& loop_;
  bool shut_down_ = false;
  std::map<std::string, std::unique_ptr<OnePool>, std::less<>> pools_;
};

// A piece of work on its way through a pool. Belongs to the pool from Queue until it is back on the
// loop, and to its awaiter as well while there is one; whoever leaves last deletes it.
struct ThreadPools::Job final : RemoteNode {
  explicit Job(std::unique_ptr<Work> w) : work(std::move(w)) { run = &Returned; }
  static void Returned(RemoteNode* node);  // On the loop, when the pool is done with it.

  std::unique_ptr<Work> work;  // The pool's while `in_pool`, then the loop's.
  Job* next_queued = nullptr;
  std::atomic<bool> abandoned{false};  // Need not run. Set by the loop, read by the pool.
  bool in_pool = true;                 // Loop's thread only, as is `waiter`.
  Waiter* waiter = nullptr;
};

class ThreadPools::Awaiter : public Waiter {
 public:
  Awaiter(ThreadPools& pools, const Pool& pool, std::unique_ptr<Work> work)
      : pools_(pools), pool_(pool), job_(new Job(std::move(work))) {}
  ~Awaiter() {
    if (job_->in_pool && job_->waiter != nullptr) {
      job_->waiter = nullptr;
      job_->abandoned.store(true, std::memory_order_relaxed);
    } else {
      delete job_;
    }
  }
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) {
    Suspend(awaiting);
    job_->waiter = this;
    pools_.Queue(pool_, *job_);
  }
  std::unique_ptr<Work> await_resume() noexcept { return std::move(job_->work); }

 private:
  ThreadPools& pools_;
  const Pool pool_;
  Job* const job_;
};

inline ThreadPools::Awaiter ThreadPools::Await(const Pool& pool, std::unique_ptr<Work> work) {
  return Awaiter(*this, pool, std::move(work));
}

}  // namespace orrery::real
