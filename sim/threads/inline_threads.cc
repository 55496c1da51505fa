// Jobs: a work on its way through a pool, and the coroutine that waits for it.
#include "sim/threads/inline_threads.h"

#include <coroutine>
#include <utility>

#include "core/base/invariant.h"
#include "core/base/random.h"
#include "sim/world/latency.h"

namespace orrery::sim {

WorkTimes WorkTimes::Draw(uint64_t seed) {
  Random random(HashWords(seed, HashName("threads.times")));
  WorkTimes times;
  const bool slow = random.Chance(OneIn(4));  // Few processors, or works that wait for each other.
  times.median = random.Between(times.median / 3, times.median * 3) * (slow ? 20 : 1);
  const bool tail = random.Chance({2, 3});
  const Duration tail_max = random.Between(Milliseconds(1), Milliseconds(300));
  times.tail_max = tail ? tail_max : Duration{};
  return times;
}

std::vector<std::pair<std::string_view, int64_t>> WorkTimes::List() const {
  return {{"median", median.count()}, {"tail_max", tail_max.count()}};
}

struct InlineThreads::Job : TimerNode {
  Job(InlineThreads& t, PoolState& p, std::unique_ptr<Work> w)
      : threads(t), pool(p), work(std::move(w)) {
    run = [](ReadyNode* node) {
      Job& job = *static_cast<Job*>(node);
      job.threads.Complete(job);
    };
  }

  InlineThreads& threads;
  PoolState& pool;
  std::unique_ptr<Work> work;
  Awaiter* awaiter = nullptr;     // nullptr once the Task is gone.
  std::list<Job>::iterator self;  // In one of the pool's lists.
  bool begun = false;
};

struct InlineThreads::PoolState {
  uint64_t key = 0;
  size_t threads = 0;
  std::list<Job> under_way;
  std::list<Job> waiting;  // In order of arrival.
};

class InlineThreads::Awaiter {
 public:
  Awaiter(InlineThreads& threads, PoolState& pool, std::unique_ptr<Work> work)
      : threads_(threads), pool_(pool), work_(std::move(work)) {}
  ~Awaiter() {
    if (job_ != nullptr) threads_.GiveUp(*job_);
  }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    handle_ = awaiting;
    TaskContext* const context = awaiting.promise().context;
    context->leaf = awaiting.address();
    job_ = &pool_.waiting.emplace_back(threads_, pool_, std::move(work_));
    job_->self = std::prev(pool_.waiting.end());
    job_->awaiter = this;
    job_->context = context;
    if (pool_.under_way.size() < pool_.threads) threads_.Begin(*job_);
  }
  std::unique_ptr<Work> await_resume() noexcept { return std::move(work_); }

 private:
  friend class InlineThreads;

  InlineThreads& threads_;
  PoolState& pool_;
  std::unique_ptr<Work> work_;  // Here before and after it is the job's.
  Job* job_ = nullptr;
  std::coroutine_handle<> handle_;
};

InlineThreads::InlineThreads(Loop& loop)
    : loop_(loop), times_(WorkTimes::Draw(loop.timeline().seed())) {}
InlineThreads::~InlineThreads() { Fence(); }

Task<std::unique_ptr<Threads::Work>> InlineThreads::Run(const Pool& pool,
                                                        std::unique_ptr<Work> work) {
  INVARIANT(pool.threads > 0, pool.name);
  PoolState& state = pools_[pool.name];
  state.key = HashName(pool.name);
  state.threads = static_cast<size_t>(pool.threads);
  // Not a coroutine itself: a Task is lazy, and `pool` need not live until it is awaited.
  return [](InlineThreads* threads, PoolState* to,
            std::unique_ptr<Work> moved) -> Task<std::unique_ptr<Work>> {
    co_return co_await Awaiter(*threads, *to, std::move(moved));
  }(this, &state, std::move(work));
}

void InlineThreads::Begin(Job& job) {
  job.begun = true;
  job.pool.under_way.splice(job.pool.under_way.end(), job.pool.waiting, job.self);
  const uint64_t draw = loop_.Draw(HashName("threads"), ++begun_);
  loop_.ArmAt(job, loop_.timeline().Now() + DrawLatency(times_.median, times_.tail_max, draw));
}

void InlineThreads::Complete(Job& job) {
  PoolState& pool = job.pool;
  loop_.timeline().Note(Happening::kWork, loop_.key(), pool.key);
  job.work->Run();
  Awaiter* const awaiter = job.awaiter;
  if (awaiter != nullptr) {
    awaiter->work_ = std::move(job.work);
    awaiter->job_ = nullptr;
  }
  pool.under_way.erase(job.self);
  if (!pool.waiting.empty()) Begin(pool.waiting.front());
  if (awaiter != nullptr) awaiter->handle_.resume();
}

void InlineThreads::GiveUp(Job& job) {
  if (job.begun && !fenced_) {
    job.awaiter = nullptr;
    job.context = nullptr;
    return;
  }
  (job.begun ? job.pool.under_way : job.pool.waiting).erase(job.self);
}

void InlineThreads::Fence() {
  fenced_ = true;
  for (auto& [name, pool] : pools_) {
    std::erase_if(pool.under_way, [](const Job& job) { return job.awaiter == nullptr; });
  }
}

}  // namespace orrery::sim
