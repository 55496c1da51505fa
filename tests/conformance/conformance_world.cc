// What both worlds share: which there are, and their names.
#include "tests/conformance/conformance_world.h"

#include "core/async/sleep.h"
#include "tests/conformance/worlds.h"

namespace orrery::conformance {

std::unique_ptr<ConformanceWorld> ConformanceWorld::Create(WorldKind kind) {
  if (kind.kind == WorldKind::kSim) return MakeSimulatedWorld(kind.seed);
  return MakeRealWorld({.tls = kind.kind == WorldKind::kRealTls,
                        .local_streams = kind.kind == WorldKind::kRealLocal});
}

Task<absl::Status> WaitForDeath(Env& env) {
  co_await Sleep(env.clock(), kNever);
  co_return Error(ErrorCode::internal_error, "the end of time");
}

std::vector<WorldKind> Worlds() {
  std::vector<WorldKind> worlds = {{WorldKind::kReal}};
  for (uint64_t seed = 1; seed <= 6; ++seed) worlds.push_back({WorldKind::kSim, seed});
  return worlds;
}

std::vector<WorldKind> NetworkWorlds() {
  std::vector<WorldKind> worlds = Worlds();
  worlds.push_back({WorldKind::kRealTls});
  worlds.push_back({WorldKind::kRealLocal});
  return worlds;
}

std::string NameOfWorld(const ::testing::TestParamInfo<WorldKind>& info) {
  switch (info.param.kind) {
    case WorldKind::kReal:
      return "Real";
    case WorldKind::kRealTls:
      return "RealTls";
    case WorldKind::kRealLocal:
      return "RealLocal";
    case WorldKind::kSim:
      return "Sim" + std::to_string(info.param.seed);
  }
  return "Unknown";
}

}  // namespace orrery::conformance
