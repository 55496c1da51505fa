// A real database of one process, durable, with its data in the directory for temporary files:
// `orrery serve` on one core, all its threads, and `database_load` in an OS process of its own on
// another. Rates are by the clock on the wall; processor time is told of each side, for an
// operation, by the kernel's account of the process. What is loaded, and how large, is told at the
// head of database_load.cc.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "tools/bench/commands.h"
#include "tools/bench/registration.h"

namespace orrery::bench {
namespace {

constexpr int kSeconds = 3;
constexpr int kServerCore = 0;

// The last one: another than the server's where there are two.
unsigned ClientCore() { return std::max(1u, std::thread::hardware_concurrency()) - 1; }

// A port of loopback that nobody listens on.
absl::StatusOr<int> FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  const bool bound = fd >= 0 && ::bind(fd, any, size) == 0 && ::getsockname(fd, any, &size) == 0;
  if (fd >= 0) ::close(fd);
  if (!bound) return Error(ErrorCode::io_error, "no port of loopback is free");
  return ntohs(address.sin_port);
}

class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  ~Database() {
    server_.reset();
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  absl::Status Start(bool tls) {
    std::string directory = (std::filesystem::temp_directory_path() / "bench.XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr) {
      return Error(ErrorCode::io_error, "no directory " + directory);
    }
    directory_ = directory;
    ASSIGN_OR_RETURN(const int port, FreePort());
    const std::string address = fmt::format("127.0.0.1:{}", port);
    const std::string orrery = Runfile("tools/orrery/orrery");
    const std::string init = fmt::format("{} init --cluster {}/cluster -o json", orrery, directory);
    RETURN_IF_ERROR(OutputOf(fmt::format("{} --files-only {} --coordinators {}", init,
                                         tls ? "--tls" : "", address))
                        .status());
    server_.emplace(
        fmt::format("taskset -c {} {} serve --cluster {}/cluster --data {}/data --listen {} "
                    "--trace {}/trace",
                    kServerCore, orrery, directory, directory, address, directory));
    return OutputOf(init).status();
  }

  // What database_load says, as JSON.
  absl::StatusOr<std::string> Load(const std::string& mode, int64_t clients, int seconds) const {
    return OutputOf(fmt::format(
        "taskset -c {} {} --cluster {}/cluster --mode {} --clients {} --seconds {} --server {} "
        "-o json",
        ClientCore(), Runfile("tools/bench/database_load"), directory_, mode, clients, seconds,
        server_->pid()));
  }

 private:
  std::string directory_;
  std::optional<Background> server_;
};

// One run of `mode` against a database of its own. The first second of load, which writes the rows
// and fills caches, is not measured.
absl::StatusOr<std::string> Measure(const std::string& mode, int64_t clients, bool tls) {
  Database database;
  RETURN_IF_ERROR(database.Start(tls));
  RETURN_IF_ERROR(database.Load(mode, clients, /*seconds=*/1).status());
  return database.Load(mode, clients, kSeconds);
}

void Run(benchmark::State& state, const std::string& mode, bool tls) {
  while (state.KeepRunning()) {
    const absl::StatusOr<std::string> json = Measure(mode, state.range(0), tls);
    if (!json.ok()) {
      state.SkipWithError(Describe(json.status()).c_str());
      break;
    }
    state.SetIterationTime(1 / NumberOf(*json, "operations_per_second"));
    state.counters["server"] = NumberOf(*json, "server_cpu_us");
    state.counters["client"] = NumberOf(*json, "client_cpu_us");
  }
}

}  // namespace

void RegisterDatabaseBenchmarks() {
  const auto add = [](const std::string& mode, bool tls) {
    const std::string name = "database/" + mode + (tls ? "_tls" : "");
    return benchmark::RegisterBenchmark(
               name.c_str(), [mode, tls](benchmark::State& state) { Run(state, mode, tls); })
        ->Iterations(1)
        ->UseManualTime();
  };
  for (const bool tls : {false, true}) {
    add("commits", tls)->Arg(1)->Arg(100);
    add("reads", tls)->Arg(100);
    add("ranges", tls)->Arg(10);
  }
}

}  // namespace orrery::bench
