// Env: everything that one process may ask of the outside. Two worlds implement it: core/real, on a
// machine, and sim, under a seed. Code that only talks to its Env runs unchanged in both.
//
// A process is one Env, one loop on one thread, and one root TaskGroup. Everything reached from
// here belongs to that loop's thread and lives as long as the Env.
#pragma once

#include <string>

#include "core/async/clock.h"
#include "core/async/executor.h"
#include "core/base/random.h"
#include "core/env/file_system.h"
#include "core/env/network.h"
#include "core/env/threads.h"

namespace orrery {

class KnobSet;
class MemoryBudget;
class Metrics;
class Probes;
class Trace;

// Where a process runs, from the smallest to the largest thing that can fail. Empty where unknown.
struct Locality {
  std::string process;  // Unique in the cluster, the same after a restart.
  std::string machine;
  std::string zone;
  std::string data_center;
  std::string region;
};

class Env {
 public:
  Env() = default;
  Env(const Env&) = delete;
  Env& operator=(const Env&) = delete;

  virtual Clock& clock() = 0;
  virtual Executor& executor() = 0;
  virtual Network& network() = 0;
  virtual FileSystem& files() = 0;
  virtual Threads& threads() = 0;

  // The process's stream of randomness for `purpose`; streams are independent. Under a seed it
  // depends on (seed, process, incarnation, purpose) alone, so a restart repeats no draw.
  virtual Random& random(Purpose purpose) = 0;

  virtual Trace& trace() = 0;
  virtual Metrics& metrics() = 0;
  virtual Probes& probes() = 0;
  virtual MemoryBudget& memory() = 0;

  // The tunables this process was started with: env.knobs().Get<RpcKnobs>().frame_bytes_max.
  virtual const KnobSet& knobs() const = 0;

  virtual const Locality& locality() const = 0;

  // Whether the rare behaviour planted at `site` happens now: see core/env/buggify.h.
  virtual bool BuggifyFires(Purpose site, Ratio probability) = 0;

 protected:
  ~Env() = default;
};

}  // namespace orrery
