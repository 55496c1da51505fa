// Benchmarks of core/async, to be linked into a binary with others.
#pragma once

namespace orrery::bench {

// Registers them with google benchmark, under names that begin with "async/".
void RegisterAsyncBenchmarks();

}  // namespace orrery::bench
