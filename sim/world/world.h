// World: a simulated deployment under one seed: machines, the processes on them, the network
// between them, and what went wrong.
//
// The world's own loop runs what is outside of every process: fault injection, supervision,
// the runner's clock. Processes are started, killed and cut off from that loop or between
// Timeline::Step calls, never from inside a process: no code of a process lies beneath.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/async/task_group.h"
#include "core/env/env.h"
#include "core/knobs/knobs.h"
#include "core/observe/trace.h"
#include "sim/network/network_model.h"
#include "sim/world/loop.h"
#include "sim/world/machine.h"
#include "sim/world/process.h"
#include "sim/world/timeline.h"

namespace orrery::sim {

// Why a run fails. The first one counts; the rest are kept for the report.
struct Failure {
  std::string kind;  // "error_event", "check", "invariant", "liveness", "leak", "plan"
  std::string text;
  Time time;
  uint64_t event = 0;  // The last entry of the hash before it: Timeline::notes.
};

// Sees the trace events of all processes, and the world's own: the recorder behind --trace.
class WorldTrace {
 public:
  virtual ~WorldTrace() = default;
  // A record's time is of its process's clock. `process` is nullptr for what the world itself
  // tells: lives of processes, faults, phases, failures.
  virtual void Emit(const Process* process, const TraceRecord& record) = 0;
};

class World {
 public:
  struct Options {
    uint64_t seed = 0;
    uint64_t chance = 0;             // See Timeline.
    const KnobSet* knobs = nullptr;  // Outlives the world.
    WorldTrace* trace = nullptr;     // May be nullptr: only errors are seen then, by the world.
    TraceLevel trace_level = TraceLevel::kError;
    bool buggify = true;  // Whether the seed may switch buggification on.
    uint64_t process_memory_bytes = uint64_t{1} << 30;  // The budget of each process.
    const Schedule* schedule = nullptr;  // Outlives the world. nullptr: order is drawn everywhere.
  };

  explicit World(Options options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();  // Kills every process.

  Timeline& timeline() { return timeline_; }
  Time Now() const { return timeline_.Now(); }
  Loop& loop() { return loop_; }
  TaskGroup& tasks() {
    return tasks_;
  }  // Tasks of the world's own loop. Their errors fail the run.
  NetworkModel& network() { return *network_; }
  const Options& options() const { return options_; }
  // What the world tells of itself: the events of core/observe/story_events.h.
  Trace& trace() { return trace_; }
  bool ignore_priority() const { return ignore_priority_; }
  bool buggify() const { return buggify_; }

  // How the loops of `process` run.
  Loop::Options LoopOptionsOf(std::string_view process) const;

  // A stream of the world's own draws: HashWords of (seed, purpose).
  Random Stream(Purpose purpose) const { return Random(HashWords(options_.seed, purpose.key)); }

  // REQUIRES: names are unique.
  Machine& AddMachine(MachineSpec spec);
  Process& AddProcess(Machine& machine, ProcessSpec spec);  // Not started yet.
  const std::vector<std::unique_ptr<Machine>>& machines() const { return machines_; }
  const std::vector<std::unique_ptr<Process>>& processes() const { return processes_; }
  Machine* FindMachine(std::string_view name) const;
  Process* FindProcess(std::string_view name) const;

  void Fail(std::string kind, std::string text);
  const std::vector<Failure>& failures() const { return failures_; }
  bool failed() const { return !failures_.empty(); }

  // Counts of PROBE sites over all processes that ended, indexed like AllProbeSites(); processes
  // that still run are added by CollectProbes.
  std::vector<uint64_t> CollectProbes() const;

  // What the seed drew for the whole world, in the order drawn: name and value.
  const std::vector<std::pair<std::string, std::string>>& drawn() const { return drawn_; }

  // One event. False when nothing is left to happen.
  bool Step() { return timeline_.Step(); }
  // Runs until `time`, which it is then, or the first failure; false when it failed.
  bool RunUntil(Time time);

 private:
  friend class Process;
  friend class SimEnv;

  void AddDrawn(const std::string& prefix,
                const std::vector<std::pair<std::string_view, int64_t>>& list);
  void OnProcessEnd(SimEnv& env);
  void OnTrace(const Process& process, const TraceRecord& record);
  void Emit(const Process* process, const TraceRecord& record);

  struct OwnSink final : TraceSink {
    explicit OwnSink(World& owner) : world(owner) {}
    void Emit(const TraceRecord& record) override { world.Emit(nullptr, record); }
    World& world;
  };

  const Options options_;
  Timeline timeline_;
  Loop loop_;
  OwnSink own_sink_;
  Trace trace_;
  bool ignore_priority_ = false;
  bool buggify_ = false;
  std::unique_ptr<NetworkModel> network_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<Failure> failures_;
  std::vector<uint64_t> probe_counts_;
  std::vector<std::pair<std::string, std::string>> drawn_;
  TaskGroup tasks_;
};

}  // namespace orrery::sim
