// async_bench: the benchmarks of core/async alone. Takes google benchmark's flags.
#include <benchmark/benchmark.h>

#include "tools/bench/async_bench.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  orrery::bench::RegisterAsyncBenchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
