// Jobs: a work and the coroutine that waits for it.
#include "sim/threads/inline_threads.h"

#include <coroutine>
#include <utility>

#include "sim/world/latency.h"

namespace orrery::sim {
namespace {

constexpr Duration kMedian = Microseconds(100);
constexpr Duration kTailMax = Milliseconds(10);

}  // namespace

// Lives in the frame of Run. Destroyed before its end, it gives its place in the pool back; a work
// that was under way then counts as not begun.
class InlineThreads::Job : public TimerNode {
 public:
  Job(InlineThreads& threads, PoolState& pool, uint64_t pool_key, std::unique_ptr<Work> work)
      : threads_(threads), pool_(pool), pool_key_(pool_key), work_(std::move(work)) {
    run = [](ReadyNode* node) { static_cast<Job*>(node)->Complete(); };
  }
  ~Job() {
    if (state_ == kWaiting) pool_.waiting[index_ - pool_begin()] = nullptr;
    if (state_ == kUnderWay) threads_.End(pool_);
  }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    handle_ = awaiting;
    context = awaiting.promise().context;
    context->leaf = awaiting.address();
    if (pool_.free > 0) {
      --pool_.free;
      threads_.Begin(*this);
    } else {
      state_ = kWaiting;
      index_ = pool_.popped + pool_.waiting.size();
      pool_.waiting.push_back(this);
    }
  }
  std::unique_ptr<Work> await_resume() noexcept { return std::move(work_); }

 private:
  friend class InlineThreads;
  enum State { kNew, kWaiting, kUnderWay, kDone };

  uint64_t pool_begin() const { return pool_.popped; }

  void Complete() {
    state_ = kDone;
    Loop& loop = threads_.loop_;
    loop.timeline().Note(Happening::kWork, loop.key(), pool_key_);
    work_->Run();
    threads_.End(pool_);
    handle_.resume();
  }

  InlineThreads& threads_;
  PoolState& pool_;
  const uint64_t pool_key_;
  std::unique_ptr<Work> work_;
  std::coroutine_handle<> handle_;
  State state_ = kNew;
  uint64_t index_ = 0;  // Among all that ever waited.
};

InlineThreads::InlineThreads(Loop& loop) : loop_(loop) {}
InlineThreads::~InlineThreads() = default;

Task<std::unique_ptr<Threads::Work>> InlineThreads::Run(const Pool& pool,
                                                        std::unique_ptr<Work> work) {
  const auto [at, added] = pools_.try_emplace(pool.name);
  if (added) at->second.free = pool.threads;
  co_return co_await Job(*this, at->second, HashBytes(pool.name), std::move(work));
}

void InlineThreads::Begin(Job& job) {
  job.state_ = Job::kUnderWay;
  const uint64_t draw = loop_.Draw(HashName("threads"), ++jobs_);
  loop_.ArmAt(job, loop_.timeline().Now() + DrawLatency(kMedian, kTailMax, draw));
}

void InlineThreads::End(PoolState& pool) {
  while (!pool.waiting.empty()) {
    Job* const next = pool.waiting.front();
    pool.waiting.pop_front();
    ++pool.popped;
    if (next == nullptr) continue;
    if (fenced_) {
      next->state_ = Job::kNew;
      continue;
    }
    Begin(*next);
    return;
  }
  ++pool.free;
}

void InlineThreads::Fence() { fenced_ = true; }

}  // namespace orrery::sim
