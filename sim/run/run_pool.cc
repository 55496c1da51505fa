// Children with a request each.
#include "sim/run/run_pool.h"

#include <signal.h>
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

  absl::Status Begin();
  RunResult TakeResult();  // REQUIRES: the child has ended.

  Progress& progress() { return *static_cast<Progress*>(memory); }

  const uint64_t ticket;
  const RunRequest request;
  std::function<void(int result)> body;  // What the child does.
  int killed = 0;                        // How often it was.
  Duration begun{};
  void* const memory;  // Shared with the child; reads as zeros at first. MAP_FAILED: none.
  ChildLimits limits = LimitsOf(request);
  std::unique_ptr<Child> child;  // Watches `memory`.
};

RunPool::RunPool(int jobs) : jobs_(std::max(jobs, 1)) {}

RunPool::~RunPool() = default;

absl::Status RunPool::Running::Begin() {
  new (memory) Progress();
  begun = MonotonicNow();
  ASSIGN_OR_RETURN(child, Child::Fork(body, progress(), limits));
  return absl::OkStatus();
}

RunResult RunPool::Running::TakeResult() {
  RunResult result = ResultOf(child->TakeEnd(), progress(), request);
  child.reset();
  return result;
}

absl::Status RunPool::Begin(std::unique_ptr<Running> run) {
  INVARIANT(busy() < jobs_, busy(), jobs_);
  if (run->memory == MAP_FAILED) {
    return Error(ErrorCode::platform_error, std::string("no memory: ") + std::strerror(errno));
  }
  RETURN_IF_ERROR(run->Begin());
  running_.push_back(std::move(run));
  return absl::OkStatus();
}

absl::Status RunPool::Start(uint64_t ticket, const RunRequest& request) {
  auto run = std::make_unique<Running>(ticket, request);
  run->body = [&run = *run](int result) {
    ProgressMonitor monitor(run.progress(), result);
    monitor.Known(RunHere(run.request, monitor, run.begun));
  };
  return Begin(std::move(run));
}

absl::Status RunPool::StartChecked(uint64_t ticket, const RunRequest& request,
                                   const std::vector<std::string>& arguments) {
  auto run = std::make_unique<Running>(ticket, request);
  run->limits.hang_cpu_max = Duration::zero();  // Its own children are watched.
  run->body = [&run = *run, arguments](int result) {
    WriteResult(result, EncodeRunResult(RunChecked(run.request, arguments)));
  };
  return Begin(std::move(run));
}

std::optional<RunPool::Finished> RunPool::Await(Duration patience) {
  const Duration until = MonotonicNow() + patience;
  while (true) {
    std::vector<Child*> children;
    for (auto at = running_.begin(); at != running_.end(); ++at) {
      Running& run = **at;
      if (run.child->Step()) {
        RunResult result = run.TakeResult();
        absl::Status again = Error(ErrorCode::operation_cancelled);
        if (WasKilled(result) && ++run.killed < kKilledMax) {
          again = run.Begin();
          if (!again.ok()) result = NotStarted(again, run.request);
        }
        if (!again.ok()) {
          Finished finished{run.ticket, std::move(result)};
          running_.erase(at);
          return finished;
        }
      }
      children.push_back(run.child.get());
    }
    const Duration left = until - MonotonicNow();
    if (left <= Duration::zero() || !AwaitChildren(children, left)) return std::nullopt;
  }
}

void RunPool::Abandon(uint64_t ticket) {
  std::erase_if(running_, [ticket](const auto& run) { return run->ticket == ticket; });
}

bool WasKilled(const RunResult& result) {
  if (result.passed() || result.failures.front().kind != "crash") return false;
  for (const int number : {SIGKILL, SIGTERM, SIGINT, SIGHUP}) {
    if (result.failures.front().text == std::string("signal ") + strsignal(number)) return true;
  }
  return false;
}

}  // namespace orrery::sim
