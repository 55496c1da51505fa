// Round trips over one loopback connection, 1 or 64 in flight, 64-byte messages without RPC: the
// ceiling of what core/rpc can reach on this machine. Client and server are two loops on two
// threads.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <string>
#include <thread>

#include "core/real/real_env.h"
#include "core/real/testing/certificates.h"

namespace orrery::real {
namespace {

constexpr size_t kMessageBytes = 64;

Task<absl::Status> Serve(Listener& listener) {
  CO_ASSIGN_OR_RETURN(auto connection, co_await listener.Accept());
  size_t unanswered = 0;
  while (true) {
    CO_ASSIGN_OR_RETURN(const Buffer bytes, co_await connection->Read());
    if (bytes.empty()) co_return absl::OkStatus();
    unanswered += bytes.size();
    for (; unanswered >= kMessageBytes; unanswered -= kMessageBytes) {
      connection->Write(Buffer::Copy(std::string(kMessageBytes, 'r')));
    }
  }
}

Task<absl::Status> Ask(Env& env, NetworkAddress address, benchmark::State& state) {
  CO_ASSIGN_OR_RETURN(auto connection, co_await env.network().Connect(address));
  for (int64_t i = 0; i < state.range(0); ++i) {
    connection->Write(Buffer::Copy(std::string(kMessageBytes, 'q')));
  }
  size_t arrived = 0;
  while (state.KeepRunning()) {
    while (arrived < kMessageBytes) {
      CO_ASSIGN_OR_RETURN(const Buffer bytes, co_await connection->Read());
      arrived += bytes.size();
      for (size_t n = bytes.size() / kMessageBytes; n > 0; --n) {
        connection->Write(Buffer::Copy(std::string(kMessageBytes, 'q')));
      }
    }
    arrived -= kMessageBytes;
  }
  connection->FinishWriting();
  while (true) {
    CO_ASSIGN_OR_RETURN(const Buffer rest, co_await connection->Read());
    if (rest.empty()) co_return absl::OkStatus();
  }
}

void RoundTrips(benchmark::State& state, RealOptions options) {
  auto server = RealEnv::Create(options);
  auto client = RealEnv::Create(options);
  if (!server.ok() || !client.ok()) return state.SkipWithError("no Env");
  auto listener = (*server)->env().network().Listen(*NetworkAddress::Parse("127.0.0.1:0"));
  if (!listener.ok()) return state.SkipWithError("cannot listen");
  const NetworkAddress address = (*listener)->local_address();
  std::thread serving([&] { (void)(*server)->Run([&](Env&) { return Serve(**listener); }); });
  (void)(*client)->Run([&](Env& env) { return Ask(env, address, state); });
  (*server)->Stop();
  serving.join();
  state.SetItemsProcessed(state.iterations());
}

void BM_PlainRoundTrips(benchmark::State& state) { RoundTrips(state, {}); }

void BM_TlsRoundTrips(benchmark::State& state) {
  std::string directory = "/tmp/stream_bench.XXXXXX";
  auto authority = TestAuthority::Create(::mkdtemp(directory.data()), "bench");
  if (!authority.ok()) return state.SkipWithError("no authority");
  auto files = (*authority)->Issue("bench");
  if (!files.ok()) return state.SkipWithError("no certificate");
  RealOptions options;
  options.tls = *files;
  RoundTrips(state, options);
}

BENCHMARK(BM_PlainRoundTrips)->Arg(1)->Arg(64)->UseRealTime();
BENCHMARK(BM_TlsRoundTrips)->Arg(1)->Arg(64)->UseRealTime();

}  // namespace
}  // namespace orrery::real

BENCHMARK_MAIN();
