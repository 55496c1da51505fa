// SimEnv: the Env of one incarnation of a simulated process.
#pragma once

#include <memory>

#include "core/async/task_group.h"
#include "core/base/lookup_map.h"
#include "core/env/env.h"
#include "core/observe/memory_budget.h"
#include "core/observe/metrics.h"
#include "core/observe/probe.h"
#include "core/observe/trace.h"
#include "sim/disk/disk.h"
#include "sim/network/network_model.h"
#include "sim/threads/inline_threads.h"
#include "sim/world/loop.h"

namespace orrery::sim {

class Process;
class World;

class SimEnv final : public Env, private TraceSink {
 public:
  // `key` is of the incarnation: streams of randomness and draws of the loop hang on it.
  SimEnv(World& world, Process& process, uint64_t key, Loop::Options loop_options);
  ~SimEnv();  // Fences, then destroys the root group, then the rest.

  Clock& clock() override { return loop_; }
  Executor& executor() override { return loop_; }
  Network& network() override { return *network_; }
  FileSystem& files() override { return *files_; }
  Threads& threads() override { return threads_; }
  Random& random(Purpose purpose) override;
  Trace& trace() override { return trace_; }
  Metrics& metrics() override { return metrics_; }
  Probes& probes() override { return probes_; }
  MemoryBudget& memory() override { return memory_; }
  const KnobSet& knobs() const override;
  const Locality& locality() const override { return locality_; }
  bool BuggifyFires(Purpose site, Ratio probability) override;

  Loop& loop() { return loop_; }
  TaskGroup& root() { return *root_; }

  // From now on nothing that the process does has an effect outside of it.
  void Fence();

 private:
  void Emit(const TraceRecord& record) override;

  World& world_;
  Process& process_;
  const uint64_t key_;
  const Locality locality_;
  Loop loop_;
  Trace trace_;
  Metrics metrics_;
  Probes probes_;
  MemoryBudget memory_;
  LookupMap<uint64_t, std::unique_ptr<Random>> streams_;
  LookupMap<uint64_t, uint64_t> buggify_passes_;
  InlineThreads threads_;
  std::unique_ptr<ProcessNetwork> network_;
  std::unique_ptr<ProcessFiles> files_;
  std::unique_ptr<TaskGroup> root_;
};

}  // namespace orrery::sim
