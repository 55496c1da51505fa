// Pools: a queue under a mutex, threads started when there is work and nobody idle.
#include "core/real/thread_pools.h"

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/invariant.h"

namespace orrery::real {

class ThreadPools::OnePool {
 public:
  OnePool(Loop& loop, const Pool& pool)
      : loop_(loop), name_(pool.name), threads_max_(static_cast<size_t>(pool.threads)) {
    INVARIANT(pool.threads >= 1, name_, pool.threads);
  }

  void Queue(Job& job) {
    bool start = false;
    {
      const std::lock_guard lock(mutex_);
      (first_ == nullptr ? first_ : last_->next_queued) = &job;
      last_ = &job;
      ++queued_;
      start = queued_ > idle_ && threads_.size() < threads_max_;
    }
    if (start) {
      Start();
    } else {
      wake_.notify_one();
    }
  }

  // Ends the threads once the queue is empty.
  void Join() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  // Signals belong to the thread that runs the process: a pool's thread has them all blocked.
  void Start() {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    threads_.emplace_back([this] { Serve(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(threads_.back().native_handle(), name_.substr(0, 15).c_str());
  }

  void Serve() {
    std::unique_lock lock(mutex_);
    while (true) {
      if (first_ != nullptr) {
        Job& job = *std::exchange(first_, first_->next_queued);
        --queued_;
        lock.unlock();
        if (!job.abandoned.load(std::memory_order_relaxed)) job.work->Run();
        loop_.PostRemote(job);
        lock.lock();
      } else if (closing_) {
        return;
      } else {
        ++idle_;
        wake_.wait(lock);
        --idle_;
      }
    }
  }

  Loop& loop_;
  const std::string name_;
  const size_t threads_max_;
  std::vector<std::thread> threads_;  // Loop's thread only.

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  Job* first_ = nullptr;
  Job* last_ = nullptr;
  size_t queued_ = 0;
  size_t idle_ = 0;
  bool closing_ = false;
};

void ThreadPools::Job::Returned(RemoteNode* node) {
  Job& job = *static_cast<Job*>(node);
  job.in_pool = false;
  if (job.waiter != nullptr) {
    job.waiter->Wake();
  } else {
    delete &job;
  }
}

ThreadPools::ThreadPools(Loop& loop) : loop_(loop) {}

ThreadPools::~ThreadPools() { INVARIANT(shut_down_ || pools_.empty()); }

Task<std::unique_ptr<Threads::Work>> ThreadPools::Run(const Pool& pool,
                                                      std::unique_ptr<Work> work) {
  co_return co_await Await(pool, std::move(work));
}

void ThreadPools::Detach(const Pool& pool, std::unique_ptr<Work> work) {
  Queue(pool, *new Job(std::move(work)));  // Deleted when it returns.
}

void ThreadPools::Queue(const Pool& pool, Job& job) {
  INVARIANT(!shut_down_, pool.name);
  const auto at = pools_.find(std::string_view(pool.name));
  OnePool* one = at != pools_.end() ? at->second.get() : nullptr;
  if (one == nullptr) {
    one = pools_.emplace(pool.name, std::make_unique<OnePool>(loop_, pool)).first->second.get();
  }
  one->Queue(job);
}

// Work that comes back may queue more (a file closes once its last operation is destroyed), so
// pools are drained in rounds until a round brings nothing.
void ThreadPools::Shutdown() {
  while (!pools_.empty()) {
    auto ending = std::exchange(pools_, {});
    for (auto& [name, pool] : ending) pool->Join();
    loop_.Drain();
  }
  shut_down_ = true;
}

}  // namespace orrery::real
