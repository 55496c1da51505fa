// RunObserver: looks on while a run goes, from inside its process. Must not change it: no draws, no
// posts, nothing of the run's own called.
#pragma once

#include <cstdint>

#include "core/base/time.h"
#include "core/observe/trace.h"
#include "sim/world/timeline.h"
#include "sim/world/world.h"

namespace orrery::sim {

class RunObserver : public Recorder, public WorldTrace {
 public:
  // Before anything happens. What is given outlives the run's last event.
  virtual void Begin(World&) {}

  // Every entry of the hash. Below it on the stack is what makes the entry.
  void Record(uint64_t, Time, Happening, uint64_t, uint64_t, uint64_t, uint64_t) override {}

  // Before the entry that is the first to differ from the recording that the run is compared with.
  virtual void Differs() {}

  // Trace events of all processes, and the world's own, from the level that is asked for.
  void Emit(const Process*, const TraceRecord&) override {}
  virtual TraceLevel least_level() const { return TraceLevel::kDebug; }

  // Asked between events: true ends the run there. What it has not done is not held against it.
  virtual bool Stop() { return false; }

  // After the last event. What is told from now on is the world's tearing down.
  virtual void End() {}
};

}  // namespace orrery::sim
