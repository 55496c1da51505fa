// RunWatch: everything that looks on while a run goes: its trace file, the recording it writes, the
// recording it is compared with, and the observer of its request.
#pragma once

#include <memory>
#include <optional>

#include "sim/run/comparer.h"
#include "sim/run/recording_file.h"
#include "sim/run/run_observer.h"
#include "sim/run/runner.h"
#include "sim/run/trace_file.h"

namespace orrery::sim {

class RunWatch final : private Recorder, private WorldTrace {
 public:
  // REQUIRES: all outlive this. `result` is what is known of the run so far; its comparison is
  // filled here, and told to `monitor` as soon as there is a difference, lest a crash swallow it.
  RunWatch(const RunRequest& request, RunMonitor& monitor, RunResult& result)
      : request_(request), monitor_(monitor), result_(result) {}

  // Opens its files. A failure when one cannot be: nothing should be run then.
  std::optional<RunFailure> Open();

  // For World::Options: nullptr when nobody wants to see trace events.
  WorldTrace* trace();
  TraceLevel trace_level() const;

  // Looks on from now on, and until Finish.
  void Begin(World& world);

  // After the last event: closes the files and completes the result; what could not be written is a
  // failure of it. REQUIRES: Begin was called.
  void Finish(World& world);

 private:
  void Record(uint64_t index, Time time, Happening happening, uint64_t entity, uint64_t a,
              uint64_t b, uint64_t hash_after) override;
  void Woken(const Loop& loop, const TaskContext* by, const TaskContext& whom) override;
  void Emit(const Process* process, const TraceRecord& record) override;
  void Fail(const char* kind, const absl::Status& status);

  const RunRequest& request_;
  RunMonitor& monitor_;
  RunResult& result_;
  std::optional<TraceFile> trace_file_;
  std::optional<RecordingWriter> writer_;
  std::optional<Comparer> comparer_;
  bool finished_ = false;  // What is told from now on is the tearing down of the world.
};

}  // namespace orrery::sim
