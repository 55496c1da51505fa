// A function as work for a thread pool, and its result as a Task.
#pragma once

#include <memory>
#include <utility>

#include "core/async/task.h"
#include "core/real/thread_pools.h"

namespace orrery::real {

template <class Function>
struct BlockingCall final : Threads::Work {
  explicit BlockingCall(Function f) : function(std::move(f)) {}
  void Run() override { result = function(); }

  Function function;
  decltype(std::declval<Function&>()()) result{};
};

// Calls `function` on a thread of `pool`. It owns all that it touches, and is destroyed on the
// loop. Cancel-safe: an abandoned call that began ends, one that did not may not happen.
template <class Function>
Task<decltype(std::declval<Function&>()())> CallOn(ThreadPools& pools, Pool pool,
                                                   Function function) {
  auto work = std::make_unique<BlockingCall<Function>>(std::move(function));
  const std::unique_ptr<Threads::Work> done = co_await pools.Await(pool, std::move(work));
  co_return std::move(static_cast<BlockingCall<Function>*>(done.get())->result);
}

}  // namespace orrery::real
