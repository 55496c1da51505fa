// Threads: blocking or long code off the loop, in named pools.
#pragma once

#include <memory>

#include "core/async/task.h"

namespace orrery {

// A pool, named by whoever defines it: inline constexpr Pool kEnginePool{"engine", 4};
struct Pool {
  const char* name;
  int threads;  // At most; at least 1.
};

class Threads {
 public:
  // A piece of work. It owns all that it touches: the Task that waits for it may be destroyed while
  // it runs.
  class Work {
   public:
    virtual ~Work() = default;
    virtual void Run() = 0;  // On a thread of the pool. Throws nothing.
  };

  Threads() = default;
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  // Runs `work` on `pool`, in order of arrival, and gives it back. Works of one pool may run side
  // by side. Destroying the Task abandons the result: work that began ends, work that did not may
  // not run; either way it is destroyed on the loop.
  virtual Task<std::unique_ptr<Work>> Run(const Pool& pool, std::unique_ptr<Work> work) = 0;

 protected:
  ~Threads() = default;
};

}  // namespace orrery
