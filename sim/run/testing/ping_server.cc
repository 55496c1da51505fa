// Answering, with or without a defect.
#include "sim/run/testing/ping_server.h"

#include <absl/container/flat_hash_set.h>  // banned-ok: planted, for the check to find
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/base/invariant.h"
#include "core/observe/memory_budget.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "sim/run/real_time.h"

namespace orrery::sim {
namespace {

constexpr int kFatalPing = 10;
constexpr int kLatePing = 30'000;
constexpr Duration kTooClose = Microseconds(1);
constexpr uint64_t kDelayMask = 1023;  // Nanoseconds.

struct Server {
  Env* env;
  Plant plant;
  int pings = 0;
  bool lived_before = false;  // This process has been started before.
  Time last_ping{};           // Of the workload.
};

// Leaves a trace of this life on the disk, and says whether there was one.
Task<absl::StatusOr<bool>> LivedBefore(Env* env) {
  CO_ASSIGN_OR_RETURN(std::unique_ptr<File> file,
                      co_await env->files().Open("lived", OpenMode::kCreate));
  CO_ASSIGN_OR_RETURN(const Buffer before, co_await file->Read(0, 1));
  CO_RETURN_IF_ERROR(co_await file->WriteDurable(0, Buffer::Copy("x")));
  CO_RETURN_IF_ERROR(co_await env->files().SyncDirectory(""));
  co_return !before.empty();
}

bool WallClockIsWrong(Env& env) {
  return env.clock().WallMicros() != ToNanoseconds(env.clock().Now()) / 1000;
}

uint64_t FirstOfHashSet() {
  absl::flat_hash_set<uint64_t> set;  // banned-ok: planted, for the check to find
  for (uint64_t i = 0; i < 100; ++i) set.insert(i);
  return *set.begin();
}

uint64_t ReadUninitialised() {
  constexpr size_t kBytes = 200;
  void* const memory = std::malloc(kBytes);
  const uint64_t value = *static_cast<volatile uint64_t*>(memory);
  std::free(memory);
  return value;
}

// A delay that depends on what it must not depend on.
uint64_t PlantedDelay(const Server& server, const void* address) {
  switch (server.plant) {
    case Plant::kAddress:
      return reinterpret_cast<uintptr_t>(address) >> 4;
    case Plant::kUnordered:
      return FirstOfHashSet();
    case Plant::kClock:
      return static_cast<uint64_t>(MonotonicNow().count());
    case Plant::kRare:
      return MixWord(static_cast<uint64_t>(MonotonicNow().count())) % 100 == 0 ? 1 : 0;
    case Plant::kLate:
      return server.pings < kLatePing ? 0 : static_cast<uint64_t>(MonotonicNow().count());
    case Plant::kUninitialised:
      return ReadUninitialised();
    default:
      return 0;
  }
}

// A ping of the workload has come.
void Judge(Server& server) {
  Env& env = *server.env;
  if (server.plant == Plant::kTwoFaults && server.lived_before && WallClockIsWrong(env)) {
    if (auto e = env.trace().Error("PingAfterTwoFaults")) e.Add("pings", server.pings);
  }
  const Time now = env.clock().Now();
  if (server.plant == Plant::kRace && now - server.last_ping < kTooClose) {
    if (auto e = env.trace().Error("PingsTooClose")) e.Add("pings", server.pings);
  }
  server.last_ping = now;
}

Task<absl::Status> Nothing() { co_return absl::OkStatus(); }

Task<> Misbehave(Server* server) {
  switch (server->plant) {
    case Plant::kErrorEvent:
      if (auto e = server->env->trace().Error("PingPlanted")) e.Add("pings", server->pings);
      break;
    case Plant::kInvariant:
      INVARIANT(server->pings < kFatalPing, server->pings);
      break;
    case Plant::kSignal:
      *reinterpret_cast<volatile int*>(uintptr_t{16}) = 1;
      break;
    case Plant::kHang:
      while (true) co_await Yield();
    case Plant::kSpin: {
      volatile uint64_t rounds = 0;
      while (true) rounds = rounds + 1;
    }
    case Plant::kExit:
      _exit(0);
    case Plant::kMemory: {
      std::vector<std::string> hoard;
      while (true) hoard.emplace_back(size_t{1} << 20, 'x');
    }
    case Plant::kKilled:
      raise(SIGKILL);
      break;
    case Plant::kLeak: {
      auto* const lost = new Task<absl::Status>(Nothing());
      (void)lost;  // Nobody will ever destroy it: that is the defect.
      break;
    }
    case Plant::kBudget: {
      auto held = server->env->memory().TryReserve(100);
      INVARIANT(held.has_value());
      auto* const lost = new MemoryBudget::Reservation(*std::move(held));
      (void)lost;  // Nobody will ever give it back: that is the defect.
      break;
    }
    case Plant::kDeaf: {
      Promise<absl::Status> never;
      (void)co_await never.future();  // Never comes.
      break;
    }
    default:
      break;
  }
}

Task<absl::Status> Answer(Server* server, std::unique_ptr<Connection> peer) {
  Env& env = *server->env;
  const Duration delay = env.knobs().Get<PingKnobs>().ping_answer_delay;
  while (true) {
    CO_ASSIGN_OR_RETURN(Buffer bytes, co_await peer->Read());
    if (bytes.empty()) co_return absl::OkStatus();
    PROBE(env, "ping.answered");
    ++server->pings;
    if (auto e = env.trace().Debug("PingReceived")) {
      e.Add("pings", server->pings).Add("from", "a client").Add("even", server->pings % 2 == 0);
    }
    if (bytes.view() == kPing) Judge(*server);
    if (server->pings == kFatalPing) co_await Misbehave(server);
    if (server->plant == Plant::kDeaf && server->pings > kFatalPing) co_await Misbehave(server);
    const uint64_t planted = PlantedDelay(*server, peer.get()) & kDelayMask;
    co_await Sleep(env.clock(), delay + Nanoseconds(static_cast<int64_t>(planted)));
    peer->Write(std::move(bytes));
  }
}

}  // namespace

std::optional<Plant> PlantFromName(std::string_view name) {
  static constexpr std::pair<std::string_view, Plant> kPlants[] = {
      {"none", Plant::kNone},
      {"address", Plant::kAddress},
      {"unordered", Plant::kUnordered},
      {"clock", Plant::kClock},
      {"rare", Plant::kRare},
      {"late", Plant::kLate},
      {"uninitialised", Plant::kUninitialised},
      {"error_event", Plant::kErrorEvent},
      {"invariant", Plant::kInvariant},
      {"signal", Plant::kSignal},
      {"hang", Plant::kHang},
      {"spin", Plant::kSpin},
      {"exit", Plant::kExit},
      {"memory", Plant::kMemory},
      {"killed", Plant::kKilled},
      {"leak", Plant::kLeak},
      {"budget", Plant::kBudget},
      {"deaf", Plant::kDeaf},
      {"two_faults", Plant::kTwoFaults},
      {"race", Plant::kRace},
  };
  for (const auto& [known, plant] : kPlants) {
    if (known == name) return plant;
  }
  return std::nullopt;
}

Task<absl::Status> ServePings(Env* env, NetworkAddress address, Plant plant) {
  Server server{.env = env, .plant = plant};
  if (plant == Plant::kTwoFaults) {
    CO_ASSIGN_OR_RETURN(server.lived_before, co_await LivedBefore(env));
  }
  CO_ASSIGN_OR_RETURN(std::unique_ptr<Listener> listener, env->network().Listen(address));
  TaskGroup peers(env->executor(), [](std::string_view, absl::Status) {
    // A client that went away is no defect.
  });
  while (true) {
    CO_ASSIGN_OR_RETURN(std::unique_ptr<Connection> peer, co_await listener->Accept());
    peers.Spawn("answer", Answer(&server, std::move(peer)));
  }
}

}  // namespace orrery::sim
