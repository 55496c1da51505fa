// The benchmarks, by what they measure. Each call registers some with google benchmark; the first
// part of their names says whose they are.
#pragma once

namespace orrery::bench {

void RegisterAsyncBenchmarks();      // async/: tasks, futures, timers, locks.
void RegisterRpcBenchmarks();        // rpc/: the RPC layer over streams in memory.
void RegisterSimulatorBenchmarks();  // sim/: events, RPC and the start of simulated worlds.
void RegisterRealBenchmarks();       // real/: streams and RPC on loopback, with and without TLS.
void RegisterExampleBenchmarks();    // example/: the replicated log under its scenario.
void RegisterClusterBenchmarks();    // cluster/: the simulated database under its scenarios.
void RegisterDatabaseBenchmarks();   // database/: a real one, loaded from another OS process.
void RegisterStructureBenchmarks();  // structure/: the database's pure structures.

}  // namespace orrery::bench
