// RunResult: everything that is known after one run of a seed. Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"
#include "sim/run/divergence.h"
#include "sim/run/evidence.h"

namespace orrery::sim {

// Why a run failed. Kinds:
//   setup        a workload's Setup failed, or took longer than its bound
//   check        a workload's Start or Check says that something does not hold
//   error_event  an error-level trace event that no injected fault explains
//   liveness     no recovery, or no end of a workload's Start or Check, within its bound
//   leak         coroutine frames outlive the world (what is missing in a process's memory budget
//                breaks an invariant instead)
//   world_task   a task of the world's own loop failed
//   invariant    an INVARIANT did not hold
//   crash        the run's process ended otherwise: a signal, an exit, out of memory
//   hang         simulated time stood still while the processor ran
//   start        the machine had no room for the run's process: nothing is known of the seed
//   nondeterminism  two runs of the seed differed (of --check and replays only)
//   difference   the run is not what its recording or its plan says (of replays only)
//   plan         the plan does not fit the world
//   trace        the trace file could not be written
//   recording    the recording could not be written, or the one to compare with not be read
struct RunFailure {
  std::string kind;
  std::string text;
  Time time{};  // Simulated.
  // The last entry of the hash before it, where a replay can stop; 0: before the first. Of a crash
  // it is the first entry of the event that crashed.
  uint64_t event = 0;
  Evidence evidence = {};  // Of an oracle; empty when it gave none.
};

struct RunResult {
  using Named = std::vector<std::pair<std::string, std::string>>;

  bool passed() const { return failures.empty(); }

  uint64_t seed = 0;
  std::string scenario;

  // What the seed drew, known before the first event.
  Named deployment;                     // Machine -> its place and its processes.
  Named drawn;                          // Of the world, the network and the disks.
  Named knobs;                          // Those that differ from their defaults.
  std::string plan;                     // Fault plan in its text form.
  std::vector<std::string> plan_lines;  // The same, one line for each fault.

  // The verdict: the first failure counts.
  std::vector<RunFailure> failures;
  std::string phase;      // The last that began: "setup", "faults", "liveness", "check", "end".
  std::string diagnosis;  // What the run's process wrote on standard error, at most 64 KiB.

  uint64_t hash = 0;     // Of everything that happened. After a crash: until the last event.
  uint64_t events = 0;   // Dispatched.
  uint64_t notes = 0;    // Entries of the hash.
  Time simulated{};      // When it ended, in simulated time.
  Duration cpu{};        // Processor time of the run's process.
  Duration start{};      // Real time from the request to the first event.
  bool stopped = false;  // Ended before its end, as the request asked: it passed so far.

  // When the faults phase began; zero before.
  Time faults_begun{};
  // Asked for in it (Operations::asked): "ledger/0", which is workload and client, to how many.
  std::map<std::string, uint64_t> operations;

  std::map<std::string, uint64_t> faults;   // Applied, by kind.
  std::map<std::string, uint64_t> skipped;  // Not allowed by the survival policy, by kind.
  std::map<std::string, uint64_t> probes;   // By name; all sites of the executable.
  std::map<std::string, int64_t> metrics;   // "workload.metric".

  std::optional<Comparison> comparison;  // With the recording, when the request named one.
};

// A RunResult on its way between processes. The bytes are of no use to another build.
std::string EncodeRunResult(const RunResult& result);
absl::StatusOr<RunResult> DecodeRunResult(std::string_view bytes);

}  // namespace orrery::sim
