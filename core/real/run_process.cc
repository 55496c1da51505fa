// Exit codes, signals, and several loops side by side.
//
// Signals are blocked and waited for by a thread of their own, so that no handler and no global is
// needed, and so that the second one works even when a loop is stuck.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "core/real/os_error.h"
#include "core/real/real_env.h"

namespace orrery::real {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitBadInput = 2;

int ExitCode(const absl::Status& status) {
  if (status.ok()) return 0;
  return IsBadInput(status) ? kExitBadInput : kExitFailed;
}

void Tell(const Locality& locality, const absl::Status& status) {
  // Bad input has said what is wrong and where; anything else is named by its code as well.
  const bool clear = ExitCode(status) == kExitBadInput && !status.message().empty();
  const std::string text = clear ? std::string(status.message()) : Describe(status);
  const std::string who = locality.process.empty() ? "" : locality.process + ": ";
  std::fprintf(stderr, "error: %s%s\n", who.c_str(), text.c_str());
}

// While it lives, the first SIGTERM or SIGINT stops the Envs, and the second ends the process.
class SignalWatch {
 public:
  explicit SignalWatch(std::vector<RealEnv*> envs) : envs_(std::move(envs)) {
    ::sigemptyset(&watched_);
    ::sigaddset(&watched_, SIGTERM);
    ::sigaddset(&watched_, SIGINT);
    ::sigaddset(&watched_, kEnd);
    ::pthread_sigmask(SIG_BLOCK, &watched_, &before_);
    thread_ = std::thread([this] { Watch(); });
    ::pthread_setname_np(thread_.native_handle(), "signals");
  }
  ~SignalWatch() {
    ending_ = true;
    ::pthread_kill(thread_.native_handle(), kEnd);
    thread_.join();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  static constexpr int kEnd = SIGUSR2;  // Sent by the destructor to the thread alone.

  void Watch() {
    bool stopping = false;
    while (true) {
      const int signal = ::sigwaitinfo(&watched_, nullptr);
      if (ending_) return;
      if (signal != SIGTERM && signal != SIGINT) continue;
      if (std::exchange(stopping, true)) ::_exit(128 + signal);
      for (RealEnv* env : envs_) env->Stop();
    }
  }

  const std::vector<RealEnv*> envs_;
  sigset_t watched_;
  sigset_t before_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace

int RunProcess(RealOptions options, Main main) {
  std::vector<RealProcess> one;
  one.push_back({std::move(options), std::move(main)});
  return RunProcesses(std::move(one));
}

int RunProcesses(std::vector<RealProcess> processes) {
  ::signal(SIGPIPE, SIG_IGN);
  std::vector<std::unique_ptr<RealEnv>> owned;
  std::vector<RealEnv*> envs;
  for (RealProcess& process : processes) {
    auto env = RealEnv::Create(process.options);
    if (!env.ok()) {
      Tell(process.options.locality, env.status());
      return ExitCode(env.status());
    }
    envs.push_back(env->get());
    owned.push_back(*std::move(env));
  }
  const SignalWatch signals(envs);

  std::vector<absl::Status> results(envs.size());
  const auto run = [&](size_t i) {
    results[i] = envs[i]->Run(std::move(processes[i].main));
    if (results[i].ok()) return;
    for (RealEnv* env : envs) env->Stop();
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < envs.size(); ++i) threads.emplace_back(run, i);
  run(0);
  for (std::thread& thread : threads) thread.join();
  owned.clear();  // Before the signals: a second one still ends a process whose pools are stuck.

  int exit_code = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].ok()) continue;
    Tell(processes[i].options.locality, results[i]);
    if (exit_code == 0) exit_code = ExitCode(results[i]);
  }
  return exit_code;
}

}  // namespace orrery::real
