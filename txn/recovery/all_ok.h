// Several steps at once, of which none may fail.
#pragma once

#include <utility>
#include <vector>

#include "core/async/executor.h"
#include "core/async/task.h"
#include "core/async/task_group.h"
#include "core/base/status.h"

namespace orrery {

// Ok when all are; the first error otherwise, and the others are destroyed then. Cancel-safe: as
// the tasks are.
inline Task<absl::Status> AllOk(Executor& executor, std::vector<Task<absl::Status>> tasks) {
  struct Shared {
    size_t left;
    Promise<absl::Status> done;

    static Task<absl::Status> Count(Shared* shared, Task<absl::Status> task) {
      absl::Status status = co_await std::move(task);
      if (!status.ok()) co_return status;
      if (--shared->left == 0 && !shared->done.is_set()) shared->done.Set(absl::OkStatus());
      co_return status;
    }
  };
  if (tasks.empty()) co_return absl::OkStatus();
  Shared shared{tasks.size(), {}};
  TaskGroup group(executor, [&shared](std::string_view, absl::Status status) {
    if (!shared.done.is_set()) shared.done.Set(std::move(status));
  });
  for (Task<absl::Status>& task : tasks) {
    group.Spawn("step", Shared::Count(&shared, std::move(task)));
  }
  co_return co_await shared.done.future();
}

}  // namespace orrery
