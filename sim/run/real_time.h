// Real time, for what a run costs. Never for what it does.
#pragma once

#include "core/base/time.h"

namespace orrery::sim {

Duration MonotonicNow();

// Processor time that this process has used.
Duration ProcessorNow();
// And with it all children that it has waited for.
Duration ProcessorOfAll();

}  // namespace orrery::sim
