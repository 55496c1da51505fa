// Forking, executing and watching.
#include "sim/run/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "core/base/invariant.h"
#include "sim/run/real_time.h"

namespace orrery::sim {
namespace {

constexpr size_t kDiagnosisBytesMax = 64 << 10;
constexpr size_t kResultsBytesMax = size_t{256} << 20;
constexpr Duration kPollMax = Milliseconds(50);
// Between the end of what a child says and its end.
constexpr Duration kPollEnding = Milliseconds(1);
// A run that neither computes nor ends is stuck too. One that waits for a processor on a busy
// machine gets a slice of it before this much time is over.
constexpr int kIdleFactor = 6;
constexpr Duration kSlice = Milliseconds(1);
constexpr Duration kGrace = Seconds(3);  // From the request for a back trace to the kill.
constexpr int kExecFailed = 127;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

void OnDeadlySignal(int signal_number) {
  PrintBacktrace();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

absl::Status Failed(const char* what) {
  return Error(ErrorCode::platform_error, std::string(what) + ": " + std::strerror(errno));
}

// Appends what there is to read, up to `max` bytes, and drops the rest. False at the end.
bool Drain(int descriptor, std::string& out, size_t max) {
  char part[65536];
  const ssize_t bytes = read(descriptor, part, sizeof part);
  if (bytes < 0) return errno == EINTR || errno == EAGAIN;
  out.append(part, std::min(static_cast<size_t>(bytes), max - std::min(max, out.size())));
  return bytes > 0;
}

Duration ProcessorOf(pid_t child) {
  clockid_t clock;
  timespec used{};
  if (clock_getcpuclockid(child, &clock) != 0 || clock_gettime(clock, &used) != 0) return {};
  return Seconds(used.tv_sec) + Nanoseconds(used.tv_nsec);
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  return pointers;
}

}  // namespace

void TraceDeadlySignals() {
  signal(SIGXCPU, &OnDeadlySignal);  // How a hung child is told to end.
  if (kSanitized) return;            // It traces the others itself.
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) signal(number, &OnDeadlySignal);
}

Child::Pipe::~Pipe() {
  Close(0);
  Close(1);
}

absl::Status Child::Pipe::Open() {
  if (pipe2(ends, O_CLOEXEC) != 0) return Failed("no pipe");
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return Failed("no pipe");
  return absl::OkStatus();
}

void Child::Pipe::Close(int end) {
  if (ends[end] >= 0) close(ends[end]);
  ends[end] = -1;
}

absl::Status Child::OpenPipes() {
  RETURN_IF_ERROR(results_.Open());
  return diagnosis_.Open();
}

void Child::PrepareInside(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kExecFailed);  // It died before it could be asked for.
  setpgid(0, 0);
  dup2(diagnosis_.ends[1], STDERR_FILENO);
  dup2(diagnosis_.ends[1], STDOUT_FILENO);
  results_.Close(0);
  diagnosis_.Close(0);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (kSanitized) return;
  const rlimit data = {static_cast<rlim_t>(limits_.memory_bytes_max),
                       static_cast<rlim_t>(limits_.memory_bytes_max)};
  setrlimit(RLIMIT_DATA, &data);
}

absl::Status Child::Begun(pid_t child) {
  if (child < 0) return Failed("no process");
  pid_ = child;
  results_.Close(1);
  diagnosis_.Close(1);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Child>> Child::Fork(const std::function<void(int result)>& body,
                                                   const Progress& progress,
                                                   const ChildLimits& limits) {
  auto child = std::unique_ptr<Child>(new Child(progress, limits));
  RETURN_IF_ERROR(child->OpenPipes());
  std::fflush(nullptr);  // Or both processes would write what is buffered.
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    child->PrepareInside(parent);
    TraceDeadlySignals();
    body(child->results_.ends[1]);
    std::fflush(nullptr);
    _exit(0);
  }
  RETURN_IF_ERROR(child->Begun(pid));
  return child;
}

absl::StatusOr<std::unique_ptr<Child>> Child::Execute(const Execution& execution,
                                                      const Progress& progress,
                                                      const ChildLimits& limits) {
  std::vector<std::string> words = {"/proc/self/exe"};
  words.insert(words.end(), execution.arguments.begin(), execution.arguments.end());
  std::vector<char*> arguments = Pointers(words);
  arguments.push_back(nullptr);
  std::vector<std::string> settings = execution.environment;
  std::vector<char*> environment = Pointers(settings);
  for (char** old = environ; *old != nullptr; ++old) environment.push_back(*old);
  environment.push_back(nullptr);

  auto child = std::unique_ptr<Child>(new Child(progress, limits));
  child->executed_ = true;
  RETURN_IF_ERROR(child->OpenPipes());
  std::fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    child->PrepareInside(parent);
    if (execution.fixed_addresses) personality(ADDR_NO_RANDOMIZE);
    if (dup2(child->results_.ends[1], kResultDescriptor) >= 0) {
      execve(words[0].c_str(), arguments.data(), environment.data());
    }
    std::perror("cannot execute this program again");
    _exit(kExecFailed);
  }
  RETURN_IF_ERROR(child->Begun(pid));
  return child;
}

Child::~Child() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  Reap(/*wait=*/true);
}

void Child::Watch() {
  if (limits_.hang_cpu_max == Duration::zero()) return;
  const Duration now = MonotonicNow();
  const Duration cpu = ProcessorOf(pid_);
  const int64_t time_ns = progress_.time_ns.load(std::memory_order_relaxed);
  const uint64_t events = progress_.events.load(std::memory_order_relaxed);
  if (events != watchdog_.events) {
    watchdog_.events = events;
    watchdog_.events_cpu = cpu;
  }
  if (cpu - watchdog_.computed_cpu >= kSlice || watchdog_.computed == Duration::zero()) {
    watchdog_.computed_cpu = cpu;
    watchdog_.computed = now;
  }
  if (time_ns != watchdog_.time_ns || watchdog_.since == Duration::zero()) {
    watchdog_.time_ns = time_ns;
    watchdog_.since = now;
    watchdog_.cpu = cpu;
    return;
  }
  if (watchdog_.hung) {
    if (now - watchdog_.told > kGrace) kill(pid_, SIGKILL);
    return;
  }
  if (cpu - watchdog_.cpu <= limits_.hang_cpu_max &&
      now - std::max(watchdog_.since, watchdog_.computed) <= limits_.hang_cpu_max * kIdleFactor) {
    return;
  }
  kill(pid_, SIGXCPU);  // It prints where it is, and ends.
  watchdog_.told = now;
  watchdog_.hung = true;
  watchdog_.events_went_on = cpu - watchdog_.events_cpu < (cpu - watchdog_.cpu) / 2;
}

bool Child::Step() {
  if (pid_ < 0) return true;
  if (results_.ends[0] >= 0 && !Drain(results_.ends[0], end_.results, kResultsBytesMax)) {
    results_.Close(0);
  }
  if (diagnosis_.ends[0] >= 0 && !Drain(diagnosis_.ends[0], end_.diagnosis, kDiagnosisBytesMax)) {
    diagnosis_.Close(0);
  }
  Watch();
  const bool silent = results_.ends[0] < 0 && diagnosis_.ends[0] < 0;
  // What it started may hold its pipes.
  const bool killed = watchdog_.hung && MonotonicNow() - watchdog_.told > kGrace * 2;
  return (silent || killed) && Reap(/*wait=*/false);
}

bool Child::Reap(bool wait) {
  int status = 0;
  rusage usage{};
  pid_t ended;
  do {
    ended = wait4(pid_, &status, wait ? 0 : WNOHANG, &usage);
  } while (ended < 0 && errno == EINTR);
  INVARIANT(ended >= 0, errno);
  if (ended == 0) return false;
  pid_ = -1;
  for (const timeval& used : {usage.ru_utime, usage.ru_stime}) {
    end_.cpu += Seconds(used.tv_sec) + Microseconds(used.tv_usec);
  }
  if (WIFSIGNALED(status)) {
    end_.how = watchdog_.hung ? ChildEnd::How::kHung : ChildEnd::How::kSignalled;
    end_.code = WTERMSIG(status);
  } else if (executed_ && WEXITSTATUS(status) == kExecFailed && end_.results.empty()) {
    end_.how = ChildEnd::How::kNotStarted;  // Its diagnosis says why.
  } else if (WEXITSTATUS(status) != 0) {
    end_.how = ChildEnd::How::kExited;
    end_.code = WEXITSTATUS(status);
  }
  end_.events_went_on = watchdog_.events_went_on;
  return true;
}

ChildEnd Child::TakeEnd() {
  INVARIANT(pid_ < 0, "it still runs");
  return std::move(end_);
}

bool AwaitChildren(std::span<Child* const> children, Duration patience) {
  std::vector<pollfd> ready;
  patience = std::min(patience, kPollMax);
  for (const Child* child : children) {
    const int results = child->results_.ends[0];
    const int diagnosis = child->diagnosis_.ends[0];
    if (results < 0 && diagnosis < 0) patience = std::min(patience, kPollEnding);
    for (const int descriptor : {results, diagnosis}) {
      if (descriptor >= 0) ready.push_back({descriptor, POLLIN, 0});
    }
  }
  const timespec time = {.tv_sec = 0, .tv_nsec = ToNanoseconds(std::max(patience, Duration{}))};
  return ppoll(ready.data(), ready.size(), &time, nullptr) >= 0 || errno != EINTR;
}

}  // namespace orrery::sim
