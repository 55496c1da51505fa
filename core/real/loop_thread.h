// LoopThread: a RealEnv on a thread of its own, for programs that have no loop: their threads hand
// tasks to it and wait for them.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<LoopThread> loop, LoopThread::Start(options));
//   absl::Status done = loop->Await([&](Env& env) { return Ask(&env, &answer); });
#pragma once

#include <memory>

#include "core/real/real_env.h"

namespace orrery::real {

class LoopThread {
 public:
  // Errors as of RealEnv::Create.
  static absl::StatusOr<std::unique_ptr<LoopThread>> Start(RealOptions options);

  // Stops the loop, which destroys its tasks, and joins the thread. REQUIRES: nobody is in Await.
  ~LoopThread();

  // Runs the task that `make` gives on the loop's thread, and blocks until it has ended: its
  // result. `make` is called and destroyed there, so a coroutine lambda with captures is in order.
  // Any thread but the loop's; several at a time.
  absl::Status Await(Main make);

 private:
  class Impl;
  explicit LoopThread(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace orrery::real
