// The makers of the worlds.
#pragma once

#include <memory>

#include "tests/conformance/conformance_world.h"

namespace orrery::conformance {

struct RealWorldOptions {
  bool tls;
  bool local_streams;  // Whether a process reaches itself through memory.
};
std::unique_ptr<ConformanceWorld> MakeRealWorld(RealWorldOptions options);
std::unique_ptr<ConformanceWorld> MakeSimulatedWorld(uint64_t seed);

}  // namespace orrery::conformance
