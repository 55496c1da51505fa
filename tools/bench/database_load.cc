// database_load: puts a cluster under load from an OS process of its own and says what it got:
// operations per second, latency, and processor time of this process per operation.
//
//   database_load --cluster FILE --mode commits|reads|ranges --clients 100 --seconds 5
//       [--server PID] [-o json]
//
// With --server it says what that process of the same machine took, too.
//
// Modes, each with keys of 16 bytes and values of 100 out of `--keys` of them:
//   commits   one key is read and written in each transaction
//   reads     ten keys are read in each transaction; an operation is one read
//   ranges    1,000 rows are read in each transaction; an operation is one row
// The keys are written first, when they are not there.
#include <fmt/format.h>
#include <sys/types.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/async/task_group.h"
#include "core/async/when_all.h"
#include "core/observe/metrics.h"
#include "tools/orrery/command.h"

namespace orrery::bench {
namespace {

constexpr int64_t kKeysPerFill = 1000;
constexpr int kReadsPerTransaction = 10;
constexpr int32_t kRowsPerRange = 1000;
constexpr size_t kValueBytes = 100;

struct Load {
  std::string mode = "commits";
  int64_t clients = 100;
  int64_t seconds = 5;
  int64_t keys = 100'000;
  pid_t server = 0;  // 0: none.
};

Key KeyOf(int64_t number) { return fmt::format("load/{:011}", number); }

// Of all threads of a process. Zero for one that is not there.
Duration ProcessTime(pid_t process) {
  clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
  timespec time{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return {};
  return Seconds(time.tv_sec) + Duration(time.tv_nsec);
}

class Loader {
 public:
  Loader(tools::Client client, Load load)
      : client_(client),
        load_(std::move(load)),
        tasks_(client.env.executor(),
               [this](std::string_view, absl::Status status) { failed_.Update(status); }) {}

  Task<absl::Status> Run() {
    CO_RETURN_IF_ERROR(co_await Fill());
    const Time begin = client_.env.clock().Now();
    const Duration cpu_begin = ProcessTime(0);
    const Duration server_cpu_begin = ProcessTime(load_.server);
    deadline_ = After(begin, Seconds(load_.seconds));
    for (int64_t i = 0; i < load_.clients; ++i) tasks_.Spawn("client", Work());
    co_await tasks_.Join();
    elapsed_ = client_.env.clock().Now() - begin;
    cpu_ = ProcessTime(0) - cpu_begin;
    if (load_.server != 0) server_cpu_ = ProcessTime(load_.server) - server_cpu_begin;
    co_return failed_;
  }

  void Print(bool json) const {
    const auto operations = static_cast<double>(operations_);
    const double seconds = static_cast<double>(elapsed_.count()) / 1e9;
    const auto each_us = [operations](Duration cpu) {
      return static_cast<double>(cpu.count()) / 1e3 / std::max(1.0, operations);
    };
    const auto us = [](uint64_t ns) { return static_cast<double>(ns) / 1e3; };
    fmt::print(fmt::runtime(json ? "{{\"mode\":\"{}\",\"clients\":{},\"operations\":{},"
                                   "\"operations_per_second\":{:.1f},\"transaction_p50_us\":{:.1f},"
                                   "\"transaction_p99_us\":{:.1f},\"client_cpu_us\":{:.3f},"
                                   "\"server_cpu_us\":{:.3f}}}\n"
                                 : "{}, {} clients: {} operations, {:.1f} per second; transaction "
                                   "p50 {:.1f} us, p99 {:.1f} us; CPU of each: client {:.3f} us, "
                                   "server {:.3f} us\n"),
               load_.mode, load_.clients, operations_, operations / seconds, us(latency_.p50()),
               us(latency_.p99()), each_us(cpu_), each_us(server_cpu_));
  }

 private:
  Task<absl::Status> Fill() {
    for (int64_t begin = 0; begin < load_.keys; begin += kKeysPerFill) {
      const int64_t end = std::min(begin + kKeysPerFill, load_.keys);
      auto fill = [begin, end](Transaction& tr) -> Task<absl::Status> {
        CO_ASSIGN_OR_RETURN(const auto last, co_await tr.Get(KeyOf(end - 1)));
        if (last.has_value()) co_return absl::OkStatus();
        for (int64_t i = begin; i < end; ++i) {
          CO_RETURN_IF_ERROR(tr.Set(KeyOf(i), std::string(kValueBytes, 'v')));
        }
        co_return absl::OkStatus();
      };
      CO_RETURN_IF_ERROR(co_await client_.database.Run(fill));
    }
    co_return absl::OkStatus();
  }

  Task<absl::Status> Work() {
    Random& random = client_.env.random("load.keys");
    while (client_.env.clock().Now() < deadline_ && failed_.ok()) {
      const Time begin = client_.env.clock().Now();
      const auto first = static_cast<int64_t>(random.Below(static_cast<uint64_t>(load_.keys)));
      int64_t done = 0;
      auto one = [&](Transaction& tr) -> Task<absl::Status> {
        if (load_.mode == "commits") return Commit(tr, first, done);
        if (load_.mode == "reads") return Read(tr, random, done);
        return Range(tr, first, done);
      };
      CO_RETURN_IF_ERROR(co_await client_.database.Run(one));
      operations_ += done;
      latency_.Record(client_.env.clock().Now() - begin);
    }
    co_return absl::OkStatus();
  }

  static Task<absl::Status> Commit(Transaction& tr, int64_t number, int64_t& done) {
    const Key key = KeyOf(number);
    CO_ASSIGN_OR_RETURN(const auto value, co_await tr.Get(key));
    done = 1;
    std::string next = value.value_or(std::string(kValueBytes, 'v'));
    next[0] = next[0] == 'v' ? 'w' : 'v';
    co_return tr.Set(key, next);
  }

  Task<absl::Status> Read(Transaction& tr, Random& random, int64_t& done) {
    std::vector<Task<absl::StatusOr<std::optional<std::string>>>> reads;
    for (int i = 0; i < kReadsPerTransaction; ++i) {
      const uint64_t number = random.Below(static_cast<uint64_t>(load_.keys));
      reads.push_back(tr.Get(KeyOf(static_cast<int64_t>(number))));
    }
    for (const auto& read : co_await WhenAll(std::move(reads))) {
      CO_RETURN_IF_ERROR(read.status());
    }
    done = kReadsPerTransaction;
    co_return absl::OkStatus();
  }

  Task<absl::Status> Range(Transaction& tr, int64_t first, int64_t& done) {
    first = std::min(first, load_.keys - kRowsPerRange);
    CO_ASSIGN_OR_RETURN(
        const RangeResult rows,
        co_await tr.GetRange(KeyRange{KeyOf(first), KeyOf(load_.keys)}, {.rows = kRowsPerRange}));
    done = static_cast<int64_t>(rows.rows.size());
    co_return absl::OkStatus();
  }

  tools::Client client_;
  const Load load_;
  Time deadline_{};
  int64_t operations_ = 0;
  Histogram latency_;
  Duration elapsed_{};
  Duration cpu_{};
  Duration server_cpu_{};
  absl::Status failed_;
  TaskGroup tasks_;
};

Task<absl::StatusOr<int>> RunLoad(tools::Client client, Load load, bool json) {
  Loader loader(client, std::move(load));
  CO_RETURN_IF_ERROR(co_await loader.Run());
  loader.Print(json);
  co_return tools::kExitOk;
}

int Main(int argc, char** argv) {
  tools::ClusterArguments arguments;
  arguments.timeout_seconds = 3600;
  Load load;
  CLI::App app("Puts a cluster under load and says what it got.", "database_load");
  tools::AddClientOptions(app, arguments);
  app.add_option("--mode", load.mode, "commits, reads or ranges")
      ->capture_default_str()
      ->check(CLI::IsMember({"commits", "reads", "ranges"}));
  app.add_option("--clients", load.clients, "transactions under way at a time")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  app.add_option("--seconds", load.seconds)->capture_default_str()->check(CLI::Range(1, 86'400));
  app.add_option("--server", load.server, "process whose processor time is told, too");
  app.add_option("--keys", load.keys)->capture_default_str()->check(CLI::Range(1000, 100'000'000));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return tools::Tell(tools::BadInput(error.what()));
  }
  return tools::RunClient(
      arguments, [&](tools::Client client) { return RunLoad(client, load, arguments.json); });
}

}  // namespace
}  // namespace orrery::bench

int main(int argc, char** argv) { return orrery::bench::Main(argc, argv); }
