// Puts the parts of a real process together, in the order in which they need each other.
#include "core/real/real_env.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/async/task_group.h"
#include "core/base/invariant.h"
#include "core/base/lookup_map.h"
#include "core/observe/memory_budget.h"
#include "core/observe/metrics.h"
#include "core/observe/probe.h"
#include "core/real/directory_files.h"
#include "core/real/loop.h"
#include "core/real/os_error.h"
#include "core/real/real_knobs.h"
#include "core/real/real_network.h"
#include "core/real/thread_pools.h"
#include "core/real/tls_context.h"
#include "core/real/trace_output.h"

namespace orrery::real {
namespace {

absl::Status BadInput(const std::string& what, int error) {
  return Error(ErrorCode::invalid_argument, what + ": " + ErrnoText(error));
}

absl::Status RaiseDescriptorLimit(int64_t least) {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return BadInput("limit of descriptors", errno);
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return BadInput("limit of descriptors", errno);
  }
  if (limit.rlim_cur >= static_cast<rlim_t>(least)) return absl::OkStatus();
  return Error(ErrorCode::invalid_argument,
               "limit of open descriptors is " + std::to_string(limit.rlim_cur) + ", at least " +
                   std::to_string(least) + " are needed: raise it (ulimit -n)");
}

absl::StatusOr<uint64_t> RandomSeed() {
  uint64_t seed = 0;
  if (::getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) return BadInput("getrandom", errno);
  return seed;
}

struct DataDirectory {
  int fd = -1;  // -1: a process without files.
  bool made = false;
};

absl::StatusOr<DataDirectory> OpenDataDirectory(const std::string& path) {
  DataDirectory directory;
  if (path.empty()) return directory;
  directory.made = ::mkdir(path.c_str(), 0755) == 0;
  if (!directory.made && errno != EEXIST) return BadInput("data directory " + path, errno);
  directory.fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory.fd < 0) return BadInput("data directory " + path, errno);
  if (::faccessat(directory.fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) == 0) return directory;
  const int error = errno;
  ::close(directory.fd);
  return BadInput("data directory " + path, error);
}

}  // namespace

class RealEnv::Impl final : public Env {
 public:
  struct Parts {
    RealOptions options;
    std::unique_ptr<KnobSet> own_knobs;  // When the options name none.
    std::unique_ptr<TlsContext> tls;     // nullptr: plain TCP.
    std::unique_ptr<TraceSink> sink;
    uint64_t seed;
    int directory_fd;
    bool made_directory;
    bool made_trace;
  };

  explicit Impl(Parts parts)
      : parts_(std::move(parts)),
        real_knobs_(knobs().Get<RealKnobs>()),
        loop_(real_knobs_.real_turn_nodes_max),
        trace_(loop_, *parts_.sink, parts_.options.trace_least),
        memory_(static_cast<uint64_t>(parts_.options.memory_bytes_max)),
        pools_(loop_),
        files_(pools_, static_cast<int>(real_knobs_.real_file_threads), parts_.directory_fd),
        network_(*this, loop_, pools_, parts_.tls.get()) {}

  ~Impl() {
    pools_.Shutdown();
    loop_.Drain();
    if (refused_) RemoveWhatIsEmpty();
  }

  absl::Status Run(Main main) {
    absl::Status result;
    {
      TaskGroup group(loop_, [this, &result](std::string_view, absl::Status status) {
        result = std::move(status);
        loop_.StopHere();
      });
      group.Spawn("main", RunMain(main(*this), loop_));
      loop_.Run();
    }
    // What the tasks left under way ends, as far as it can without waiting.
    loop_.Drain();
    refused_ = IsBadInput(result);
    return result;
  }

  void Stop() { loop_.Stop(); }

  Clock& clock() override { return loop_; }
  Executor& executor() override { return loop_; }
  Network& network() override { return network_; }
  FileSystem& files() override { return files_; }
  Threads& threads() override { return pools_; }
  Random& random(Purpose purpose) override {
    const auto [stream, added] = streams_.TryEmplace(purpose.key);
    if (added) *stream = std::make_unique<Random>(HashWords(parts_.seed, purpose.key));
    return **stream;
  }
  Trace& trace() override { return trace_; }
  Metrics& metrics() override { return metrics_; }
  Probes& probes() override { return probes_; }
  MemoryBudget& memory() override { return memory_; }
  const KnobSet& knobs() const override {
    return parts_.own_knobs != nullptr ? *parts_.own_knobs : *parts_.options.knobs;
  }
  const Locality& locality() const override { return parts_.options.locality; }
  bool BuggifyFires(Purpose, Ratio) override { return false; }

 private:
  // A start that was refused leaves nothing that was not there before.
  void RemoveWhatIsEmpty() {
    const std::string& trace = parts_.options.trace_path;
    struct stat file {};
    if (parts_.made_trace && ::stat(trace.c_str(), &file) == 0 && file.st_size == 0) {
      ::unlink(trace.c_str());
    }
    // Fails, as it should, when there is something in it.
    if (parts_.made_directory) ::rmdir(parts_.options.data_directory.c_str());
  }

  static Task<absl::Status> RunMain(Task<absl::Status> main, Loop& loop) {
    CO_RETURN_IF_ERROR(co_await std::move(main));
    loop.StopHere();
    co_return absl::OkStatus();
  }

  const Parts parts_;
  const RealKnobs& real_knobs_;
  Loop loop_;
  Trace trace_;
  Metrics metrics_;
  Probes probes_;
  MemoryBudget memory_;
  LookupMap<uint64_t, std::unique_ptr<Random>> streams_;  // By Purpose::key.
  ThreadPools pools_;
  DirectoryFiles files_;
  RealNetwork network_;
  bool refused_ = false;  // The last Run ended for bad input.
};

absl::StatusOr<std::unique_ptr<RealEnv>> RealEnv::Create(RealOptions options) {
  Impl::Parts parts{};
  if (options.knobs == nullptr) {
    parts.own_knobs = std::make_unique<KnobSet>();
    parts.own_knobs->Add<RealKnobs>();
  }
  const KnobSet& knobs = options.knobs != nullptr ? *options.knobs : *parts.own_knobs;
  RETURN_IF_ERROR(RaiseDescriptorLimit(knobs.Get<RealKnobs>().real_descriptors_min));
  if (options.tls.has_value()) {
    ASSIGN_OR_RETURN(parts.tls, TlsContext::Load(*options.tls));
  }
  if (options.seed.has_value()) {
    parts.seed = *options.seed;
  } else {
    ASSIGN_OR_RETURN(parts.seed, RandomSeed());
  }
  // These two may leave a directory and a file behind, so they come last.
  ASSIGN_OR_RETURN(const DataDirectory directory, OpenDataDirectory(options.data_directory));
  auto sink = OpenTraceOutput(options.trace_path, options.locality, parts.made_trace);
  if (!sink.ok()) {
    if (directory.fd >= 0) ::close(directory.fd);
    if (directory.made) ::rmdir(options.data_directory.c_str());
    return sink.status();
  }
  parts.directory_fd = directory.fd;
  parts.made_directory = directory.made;
  parts.sink = *std::move(sink);
  parts.options = std::move(options);
  return std::unique_ptr<RealEnv>(new RealEnv(std::make_unique<Impl>(std::move(parts))));
}

RealEnv::RealEnv(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RealEnv::~RealEnv() = default;

absl::Status RealEnv::Run(Main main) { return impl_->Run(std::move(main)); }

void RealEnv::Stop() { impl_->Stop(); }

Env& RealEnv::env() { return *impl_; }

}  // namespace orrery::real
