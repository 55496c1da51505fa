// The makers of the worlds.
#pragma once

#include <memory>

#include "tests/conformance/conformance_world.h"

namespace orrery::conformance {

std::unique_ptr<ConformanceWorld> MakeRealWorld(bool tls);
std::unique_ptr<ConformanceWorld> MakeSimulatedWorld(uint64_t seed);

}  // namespace orrery::conformance
