// ReplayObserver: what a replay shows while it runs: trace events as lines, and the place where it
// stops. In the process of the run, so that a debugger finds there what the place is about.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "sim/run/divergence.h"
#include "sim/run/isolate.h"
#include "sim/run/replay/replay_command.h"
#include "sim/run/run_observer.h"

namespace orrery::sim {

class ReplayObserver final : public RunObserver {
 public:
  struct Options {
    std::optional<TraceLevel> trace_level;
    std::optional<BreakPoint> break_point;
    bool json = false;
    // Stops for the debugger (SIGTRAP), which may go on; else the run ends there.
    bool debugger = false;
  };

  // Writes to what is standard output now. A forked child of this process does so too.
  explicit ReplayObserver(Options options);
  ~ReplayObserver() override;

  // Whether the place was reached, also in a forked child.
  bool reached() const { return reached_->load(std::memory_order_relaxed); }

  void Begin(World& world) override;
  void Record(uint64_t index, Time time, Happening happening, uint64_t entity, uint64_t a,
              uint64_t b, uint64_t hash_after) override;
  void Differs() override { differs_ = true; }
  void Emit(const Process* process, const TraceRecord& record) override;
  TraceLevel least_level() const override;
  bool Stop() override;

 private:
  bool IsHere(const RecordedNote& note) const;
  // With what is told there, if it is a trace event.
  void Reached(const std::string& traced);
  void TellPlace(const std::string& traced);
  void TellRest();
  void Write(const std::string& text);
  std::string Line(const Process* process, const TraceRecord& record) const;

  const Options options_;
  FILE* out_ = nullptr;  // A copy of standard output.
  SharedMemory shared_{sizeof(std::atomic<bool>)};
  std::atomic<bool>* const reached_ = new (shared_.data()) std::atomic<bool>(false);

  World* world_ = nullptr;
  std::optional<EntityNames> names_;
  size_t longest_process_ = 0;       // Of their names.
  uint64_t seen_ = 0;                // Of the type that is waited for.
  bool differs_ = false;             // The next entry is the first that does.
  bool here_ = false;                // The place was reached.
  std::deque<RecordedNote> before_;  // The last entries, up to the place.
  std::vector<RecordedNote> after_;  // What followed the place in the same event.
};

// Whether this process is run under a debugger (or another tracer).
bool DebuggerIsAttached();

}  // namespace orrery::sim
