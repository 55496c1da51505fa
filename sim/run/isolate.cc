// Forking, executing and watching the process of a run.
#include "sim/run/isolate.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
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
constexpr int kPollMilliseconds = 50;
// A run that neither computes nor ends is stuck too; a machine that is busy gets this much longer.
constexpr int kIdleFactor = 6;
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

// Ends of a pipe; those left open are closed.
struct Pipe {
  Pipe() { INVARIANT(pipe2(ends, O_CLOEXEC) == 0, errno); }
  ~Pipe() {
    Close(0);
    Close(1);
  }
  void Close(int end) {
    if (ends[end] >= 0) close(ends[end]);
    ends[end] = -1;
  }
  int ends[2] = {-1, -1};
};

void OnDeadlySignal(int signal_number) {
  PrintBacktrace();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

// In the child, before anything else.
void PrepareChild(Pipe& results, Pipe& diagnosis, const ChildLimits& limits) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(diagnosis.ends[1], STDERR_FILENO);
  dup2(diagnosis.ends[1], STDOUT_FILENO);
  results.Close(0);
  diagnosis.Close(0);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (kSanitized) return;
  const rlimit data = {static_cast<rlim_t>(limits.memory_bytes_max),
                       static_cast<rlim_t>(limits.memory_bytes_max)};
  setrlimit(RLIMIT_DATA, &data);
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

// Watches for standing still.
class Watchdog {
 public:
  Watchdog(pid_t child, const Progress& progress, Duration cpu_max)
      : child_(child), progress_(progress), cpu_max_(cpu_max) {}

  // True once the child was found hung and told to end.
  bool Look() {
    const Duration now = MonotonicNow();
    const Duration cpu = ProcessorOf(child_);
    const int64_t time_ns = progress_.time_ns.load(std::memory_order_relaxed);
    if (time_ns != time_ns_ || since_ == Duration::zero()) {
      time_ns_ = time_ns;
      since_ = now;
      cpu_ = cpu;
      return false;
    }
    const bool stands = cpu - cpu_ > cpu_max_ || now - since_ > cpu_max_ * kIdleFactor;
    if (!stands) return hung_;
    if (!hung_) {
      kill(child_, SIGXCPU);  // It prints where it is, and ends.
      told_ = now;
      hung_ = true;
    } else if (now - told_ > kGrace) {
      kill(child_, SIGKILL);
    }
    return hung_;
  }

 private:
  const pid_t child_;
  const Progress& progress_;
  const Duration cpu_max_;
  int64_t time_ns_ = 0;
  Duration since_{};
  Duration cpu_{};
  Duration told_{};
  bool hung_ = false;
};

ChildEnd Watch(pid_t child, Pipe& results, Pipe& diagnosis, const Progress& progress,
               const ChildLimits& limits) {
  results.Close(1);
  diagnosis.Close(1);
  ChildEnd end;
  Watchdog watchdog(child, progress, limits.hang_cpu_max);
  bool hung = false;
  bool open[2] = {true, true};
  while (open[0] || open[1]) {
    pollfd ready[2] = {{open[0] ? results.ends[0] : -1, POLLIN, 0},
                       {open[1] ? diagnosis.ends[0] : -1, POLLIN, 0}};
    poll(ready, 2, kPollMilliseconds);
    if (ready[0].revents != 0) open[0] = Drain(results.ends[0], end.results, kResultsBytesMax);
    if (ready[1].revents != 0)
      open[1] = Drain(diagnosis.ends[0], end.diagnosis, kDiagnosisBytesMax);
    hung = watchdog.Look();
  }
  int status = 0;
  rusage usage{};
  while (wait4(child, &status, 0, &usage) < 0) INVARIANT(errno == EINTR, errno);
  for (const timeval& used : {usage.ru_utime, usage.ru_stime}) {
    end.cpu += Seconds(used.tv_sec) + Microseconds(used.tv_usec);
  }
  if (WIFSIGNALED(status)) {
    end.how = hung ? ChildEnd::How::kHung : ChildEnd::How::kSignalled;
    end.code = WTERMSIG(status);
  } else if (WEXITSTATUS(status) != 0) {
    end.how = ChildEnd::How::kExited;
    end.code = WEXITSTATUS(status);
  }
  return end;
}

}  // namespace

void TraceDeadlySignals() {
  if (kSanitized) return;  // It does so itself.
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGXCPU}) {
    signal(number, &OnDeadlySignal);
  }
}

SharedMemory::SharedMemory(size_t bytes) : SharedMemory(memfd_create("orrery", 0), bytes) {
  INVARIANT(ftruncate(descriptor_, static_cast<off_t>(bytes)) == 0, errno);
}

SharedMemory::SharedMemory(int descriptor, size_t bytes) : descriptor_(descriptor), bytes_(bytes) {
  INVARIANT(descriptor_ >= 0, errno);
  data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  INVARIANT(data_ != MAP_FAILED, errno);
}

SharedMemory::~SharedMemory() {
  munmap(data_, bytes_);
  close(descriptor_);
}

ChildEnd RunForked(const std::function<void(int result)>& body, Progress& progress,
                   const ChildLimits& limits) {
  std::fflush(nullptr);  // Or both processes would write what is buffered.
  Pipe results;
  Pipe diagnosis;
  const pid_t child = fork();
  INVARIANT(child >= 0, errno);
  if (child == 0) {
    PrepareChild(results, diagnosis, limits);
    TraceDeadlySignals();
    body(results.ends[1]);
    std::fflush(nullptr);
    _exit(0);
  }
  return Watch(child, results, diagnosis, progress, limits);
}

ChildEnd RunExecuted(const Execution& execution, Progress& progress, const ChildLimits& limits) {
  std::vector<std::string> words = {"/proc/self/exe"};
  words.insert(words.end(), execution.arguments.begin(), execution.arguments.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::vector<std::string> settings = execution.environment;
  std::vector<char*> environment;
  for (std::string& setting : settings) environment.push_back(setting.data());
  for (char** old = environ; *old != nullptr; ++old) environment.push_back(*old);
  environment.push_back(nullptr);

  std::fflush(nullptr);
  Pipe results;
  Pipe diagnosis;
  const pid_t child = fork();
  INVARIANT(child >= 0, errno);
  if (child == 0) {
    PrepareChild(results, diagnosis, limits);
    if (execution.fixed_addresses) personality(ADDR_NO_RANDOMIZE);
    dup2(results.ends[1], kResultDescriptor);
    execve(words[0].c_str(), arguments.data(), environment.data());
    std::perror("cannot execute this program again");
    _exit(kExecFailed);
  }
  return Watch(child, results, diagnosis, progress, limits);
}

void WriteResult(int descriptor, const std::string& bytes) {
  const uint64_t length = bytes.size();
  std::string framed(reinterpret_cast<const char*>(&length), sizeof length);
  framed += bytes;
  for (size_t written = 0; written < framed.size();) {
    const ssize_t n = write(descriptor, framed.data() + written, framed.size() - written);
    INVARIANT(n > 0 || errno == EINTR, errno);
    if (n > 0) written += static_cast<size_t>(n);
  }
}

std::string LastResult(const std::string& results) {
  std::string last;
  for (size_t at = 0; at + sizeof(uint64_t) <= results.size();) {
    uint64_t length;
    std::memcpy(&length, results.data() + at, sizeof length);
    at += sizeof length;
    if (length > results.size() - at) break;
    last = results.substr(at, length);
    at += length;
  }
  return last;
}

}  // namespace orrery::sim
