// A recording: what two runs of one seed are compared by. It lies in memory shared with the process
// of the run, so that it survives a crash of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sim/run/check.h"
#include "sim/run/divergence.h"
#include "sim/run/isolate.h"
#include "sim/run/run_observer.h"
#include "sim/world/timeline.h"

namespace orrery::sim {

// The hash at the end of the first event after every kNotesPerCheckpoint entries of it.
struct Checkpoint {
  uint64_t notes;
  uint64_t hash;
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};
inline constexpr uint64_t kNotesPerCheckpoint = 1024;

inline constexpr size_t kCheckpointsMax = size_t{1} << 20;

struct Recording {
  Progress progress;
  uint64_t checkpoint_count;
  uint64_t note_count;
  Checkpoint checkpoints[kCheckpointsMax];  // The first ones of the run.
  RecordedNote notes[kRecordedNotesMax];    // Consecutive, from the one asked for.

  std::span<const Checkpoint> all_checkpoints() const { return {checkpoints, checkpoint_count}; }
  std::span<const RecordedNote> all_notes() const { return {notes, note_count}; }
};

// Keeps the entries after the first `from`, as many as there is room for.
class RecordingRecorder final : public RunObserver {
 public:
  RecordingRecorder(Recording& recording, uint64_t from) : recording_(recording), from_(from) {}

  void Record(uint64_t index, Time time, Happening happening, uint64_t entity, uint64_t a,
              uint64_t b, uint64_t hash_after) override {
    if (index <= from_ || recording_.note_count == kRecordedNotesMax) return;
    recording_.notes[recording_.note_count] = {.index = index,
                                               .time_ns = ToNanoseconds(time),
                                               .happening = static_cast<uint64_t>(happening),
                                               .entity = entity,
                                               .a = a,
                                               .b = b,
                                               .hash_after = hash_after};
    ++recording_.note_count;
  }

 private:
  Recording& recording_;
  const uint64_t from_;
};

// The number of entries that both had in common for certain: up to here all checkpoints agree.
uint64_t LastCommonNote(const Recording& first, const Recording& second);

}  // namespace orrery::sim
