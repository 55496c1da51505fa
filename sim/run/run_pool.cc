// Children with a request each.
#include "sim/run/run_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/invariant.h"
#include "sim/run/check.h"
#include "sim/run/child.h"
#include "sim/run/isolate.h"
#include "sim/run/real_time.h"
#include "sim/run/run_isolated.h"

namespace orrery::sim {

struct RunPool::Running {
  Running(uint64_t number, const RunRequest& wanted)
      : ticket(number),
        request(wanted),
        memory(mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                    -1, 0)) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    child.reset();
    if (memory != MAP_FAILED) munmap(memory, sizeof(Progress));
  }

  Progress& progress() { return *static_cast<Progress*>(memory); }

  const uint64_t ticket;
  const RunRequest request;
  void* const memory;  // Shared with the child; reads as zeros at first. MAP_FAILED: none.
  ChildLimits limits = LimitsOf(request);
  std::unique_ptr<Child> child;  // Watches `memory`.
};

RunPool::RunPool(int jobs) : jobs_(std::max(jobs, 1)) {}

RunPool::~RunPool() = default;

absl::Status RunPool::Begin(std::unique_ptr<Running> run,
                            const std::function<void(int result)>& body) {
  INVARIANT(busy() < jobs_, busy(), jobs_);
  if (run->memory == MAP_FAILED) {
    return Error(ErrorCode::platform_error, std::string("no memory: ") + std::strerror(errno));
  }
  ASSIGN_OR_RETURN(run->child, Child::Fork(body, run->progress(), run->limits));
  running_.push_back(std::move(run));
  return absl::OkStatus();
}

absl::Status RunPool::Start(uint64_t ticket, const RunRequest& request) {
  const Duration begin = MonotonicNow();
  auto run = std::make_unique<Running>(ticket, request);
  Progress& progress = run->progress();
  return Begin(std::move(run), [&request, &progress, begin](int result) {
    ProgressMonitor monitor(progress, result);
    monitor.Known(RunHere(request, monitor, begin));
  });
}

absl::Status RunPool::StartChecked(uint64_t ticket, const RunRequest& request,
                                   const std::vector<std::string>& arguments) {
  auto run = std::make_unique<Running>(ticket, request);
  run->limits.hang_cpu_max = Duration::zero();  // Its own children are watched.
  return Begin(std::move(run), [&request, &arguments](int result) {
    WriteResult(result, EncodeRunResult(RunChecked(request, arguments)));
  });
}

std::optional<RunPool::Finished> RunPool::Await(Duration patience) {
  const Duration until = MonotonicNow() + patience;
  while (true) {
    std::vector<Child*> children;
    for (auto run = running_.begin(); run != running_.end(); ++run) {
      children.push_back((*run)->child.get());
      if (!children.back()->Step()) continue;
      const std::unique_ptr<Running> ended = std::move(*run);
      running_.erase(run);
      return Finished{ended->ticket,
                      ResultOf(ended->child->TakeEnd(), ended->progress(), ended->request)};
    }
    const Duration left = until - MonotonicNow();
    if (left <= Duration::zero() || !AwaitChildren(children, left)) return std::nullopt;
  }
}

void RunPool::Abandon(uint64_t ticket) {
  std::erase_if(running_, [ticket](const auto& run) { return run->ticket == ticket; });
}

}  // namespace orrery::sim
