// Round trips over one loopback connection between two loops on two threads: of RPC, and of 64-byte
// messages without it, the ceiling of what RPC can reach on this machine. Rates are by the clock on
// the wall; processor time is that of both sides.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "core/async/task_group.h"
#include "core/real/real_env.h"
#include "core/real/real_knobs.h"
#include "core/real/testing/certificates.h"
#include "core/rpc/rpc_knobs.h"
#include "tools/bench/echo_load.h"
#include "tools/bench/registration.h"

namespace orrery::bench {
namespace {

using real::RealEnv;
using real::RealOptions;

constexpr size_t kMessageBytes = 64;
constexpr int64_t kBatch = 100;

// Owned by a benchmark: options of both sides, with certificates when they are to talk TLS.
class Options {
 public:
  explicit Options(bool tls) {
    knobs_.Add<real::RealKnobs>();
    knobs_.Add<RpcKnobs>();
    options_.knobs = &knobs_;
    if (tls) status_ = MakeCertificates();
  }
  Options(const Options&) = delete;
  ~Options() {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  absl::StatusOr<std::unique_ptr<RealEnv>> MakeEnv() const {
    RETURN_IF_ERROR(status_);
    return RealEnv::Create(options_);
  }

 private:
  absl::Status MakeCertificates() {
    std::string directory = (std::filesystem::temp_directory_path() / "bench.XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr) {
      return Error(ErrorCode::io_error, "no directory " + directory);
    }
    directory_ = directory;
    ASSIGN_OR_RETURN(const auto authority, real::TestAuthority::Create(directory_, "bench"));
    ASSIGN_OR_RETURN(options_.tls, authority->Issue("bench"));
    return absl::OkStatus();
  }

  KnobSet knobs_;
  RealOptions options_;
  std::string directory_;
  absl::Status status_;
};

NetworkAddress AnyPort() { return *NetworkAddress::Parse("127.0.0.1:0"); }

using Listening = std::function<void(NetworkAddress)>;

// A server loop on a thread of its own while the client's runs here. When the server fails, the
// client sees its connection break.
void RunBoth(benchmark::State& state, bool tls,
             std::function<Task<absl::Status>(Env&, Listening)> serve,
             std::function<Task<absl::Status>(Env&, NetworkAddress)> ask) {
  const Options options(tls);
  auto server = options.MakeEnv();
  auto client = options.MakeEnv();
  if (!server.ok()) return state.SkipWithError(Describe(server.status()).c_str());
  if (!client.ok()) return state.SkipWithError(Describe(client.status()).c_str());
  std::promise<std::optional<NetworkAddress>> listening;
  absl::Status served;
  std::thread serving([&] {
    bool listens = false;
    served = (*server)->Run([&](Env& env) {
      return serve(env, [&](NetworkAddress address) {
        listens = true;
        listening.set_value(address);
      });
    });
    if (!listens) listening.set_value(std::nullopt);
  });
  const std::optional<NetworkAddress> address = listening.get_future().get();
  absl::Status asked;
  if (address.has_value()) {
    asked = (*client)->Run([&](Env& env) { return ask(env, *address); });
  }
  (*server)->Stop();
  serving.join();
  const absl::Status& end = address.has_value() ? asked : served;
  if (!end.ok()) state.SkipWithError(Describe(end).c_str());
}

// --- Messages without RPC ---

Task<absl::Status> AnswerMessages(Env* env, Listening listening) {
  CO_ASSIGN_OR_RETURN(auto listener, env->network().Listen(AnyPort()));
  listening(listener->local_address());
  CO_ASSIGN_OR_RETURN(auto connection, co_await listener->Accept());
  size_t unanswered = 0;
  while (true) {
    CO_ASSIGN_OR_RETURN(const Buffer bytes, co_await connection->Read());  // Ends with the client.
    unanswered += bytes.size();
    for (; unanswered >= kMessageBytes; unanswered -= kMessageBytes) {
      connection->Write(Buffer::Copy(std::string(kMessageBytes, 'r')));
    }
  }
}

Task<absl::Status> AskMessages(Env* env, NetworkAddress address, benchmark::State* state) {
  CO_ASSIGN_OR_RETURN(auto connection, co_await env->network().Connect(address));
  for (int64_t i = 0; i < state->range(0); ++i) {
    connection->Write(Buffer::Copy(std::string(kMessageBytes, 'q')));
  }
  size_t arrived = 0;
  while (state->KeepRunning()) {
    while (arrived < kMessageBytes) {
      CO_ASSIGN_OR_RETURN(const Buffer bytes, co_await connection->Read());
      if (bytes.empty()) co_return Error(ErrorCode::connection_failed);
      arrived += bytes.size();
      for (size_t n = bytes.size() / kMessageBytes; n > 0; --n) {
        connection->Write(Buffer::Copy(std::string(kMessageBytes, 'q')));
      }
    }
    arrived -= kMessageBytes;
  }
  co_return absl::OkStatus();
}

template <bool kTls>
void Messages(benchmark::State& state) {
  RunBoth(
      state, kTls,
      [](Env& env, Listening listening) { return AnswerMessages(&env, std::move(listening)); },
      [&state](Env& env, NetworkAddress address) { return AskMessages(&env, address, &state); });
}

// --- RPC ---

// While calls go on in `load`, counts them into `state`.
Task<absl::Status> CountCalls(Env* env, NetworkAddress address, benchmark::State* state) {
  EchoLoad load{.in_flight = state->range(0)};
  absl::Status failed;
  TaskGroup calls(env->executor(), [&](std::string_view, absl::Status status) {
    failed.Update(status);
    load.reached.NotifyAll();
  });
  calls.Spawn("call", CallEcho(env, Endpoint(address), &load));
  load.target = 1000;  // The connection stands.
  while (failed.ok() && load.done < load.target) co_await load.reached.Wait();
  while (failed.ok() && state->KeepRunningBatch(kBatch)) {
    load.target = load.done + kBatch;
    while (failed.ok() && load.done < load.target) co_await load.reached.Wait();
  }
  co_return failed;
}

template <bool kTls>
void Rpc(benchmark::State& state) {
  RunBoth(
      state, kTls,
      [](Env& env, Listening listening) {
        return ServeEcho(&env, AnyPort(), std::move(listening));
      },
      [&state](Env& env, NetworkAddress address) { return CountCalls(&env, address, &state); });
}

}  // namespace

void RegisterRealBenchmarks() {
  const auto add = [](const char* name, void (*run)(benchmark::State&)) {
    benchmark::RegisterBenchmark(name, run)
        ->Arg(1)
        ->Arg(64)
        ->UseRealTime()
        ->MeasureProcessCPUTime();
  };
  add("real/messages", Messages<false>);
  add("real/messages_tls", Messages<true>);
  add("real/rpc", Rpc<false>);
  add("real/rpc_tls", Rpc<true>);
}

}  // namespace orrery::bench
