// Tasks of other threads, handed to a loop as remote nodes on their callers' stacks.
#include "core/real/loop_thread.h"

#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "core/async/notify.h"
#include "core/async/task_group.h"
#include "core/real/loop.h"

namespace orrery::real {
namespace {

// On the stack of the thread that waits.
struct Job : RemoteNode {
  Job(Main m, TaskGroup& t, Env& e) : make(std::move(m)), tasks(t), env(e) {
    run = [](RemoteNode* node) {
      Job& self = static_cast<Job&>(*node);
      self.tasks.Spawn("await", RunJob(&self));
    };
  }

  static Task<absl::Status> RunJob(Job* job) {
    absl::Status result;
    {
      Main make = std::move(*job->make);
      job->make.reset();
      result = co_await make(job->env);
    }
    std::promise<absl::Status> done = std::move(job->done);
    done.set_value(std::move(result));  // From here on the job may be gone.
    co_return absl::OkStatus();
  }

  std::optional<Main> make;
  TaskGroup& tasks;
  Env& env;
  std::promise<absl::Status> done;
};

}  // namespace

class LoopThread::Impl {
 public:
  explicit Impl(std::unique_ptr<RealEnv> env) : env_(std::move(env)) {
    std::promise<void> started;
    std::future<void> is_started = started.get_future();
    thread_ = std::thread([this, &started] {
      // Ends by Stop alone, and then well.
      (void)env_->Run([this, &started](Env& on) { return Serve(&on, &started); });
    });
    is_started.wait();
  }

  ~Impl() {
    env_->Stop();
    thread_.join();
  }

  absl::Status Await(Main make) {
    Job job(std::move(make), *tasks_, env_->env());
    std::future<absl::Status> done = job.done.get_future();
    static_cast<Loop&>(env_->env().executor()).PostRemote(job);
    return done.get();
  }

 private:
  Task<absl::Status> Serve(Env* on, std::promise<void>* started) {
    Notify never;
    TaskGroup tasks(on->executor(), [](std::string_view, absl::Status) {});  // No job fails.
    tasks_ = &tasks;
    started->set_value();
    for (;;) co_await never.Wait();
  }

  const std::unique_ptr<RealEnv> env_;
  TaskGroup* tasks_ = nullptr;  // On the loop's thread, in Serve. Set before `started`.
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<LoopThread>> LoopThread::Start(RealOptions options) {
  ASSIGN_OR_RETURN(std::unique_ptr<RealEnv> env, RealEnv::Create(std::move(options)));
  return std::unique_ptr<LoopThread>(new LoopThread(std::make_unique<Impl>(std::move(env))));
}

LoopThread::LoopThread(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LoopThread::~LoopThread() = default;
absl::Status LoopThread::Await(Main make) { return impl_->Await(std::move(make)); }

}  // namespace orrery::real
