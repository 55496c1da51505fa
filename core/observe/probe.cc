// The bounds of the probe section, which the linker provides when there is at least one PROBE.
#include "core/observe/probe.h"

extern "C" {
[[gnu::weak, gnu::visibility("hidden")]] extern const orrery::ProbeSite __start_orrery_probes[];
[[gnu::weak, gnu::visibility("hidden")]] extern const orrery::ProbeSite __stop_orrery_probes[];
}

namespace orrery {

std::span<const ProbeSite> AllProbeSites() { return {__start_orrery_probes, __stop_orrery_probes}; }

}  // namespace orrery
