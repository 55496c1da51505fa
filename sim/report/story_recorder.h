// StoryRecorder: looks on in the process of a run and hands on what its story is made of, event by
// event, to memory that another process reads afterwards: a run that crashes has told its story up
// to there.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/time.h"
#include "sim/report/record_ring.h"
#include "sim/report/story.h"
#include "sim/report/task_flow.h"
#include "sim/run/isolate.h"
#include "sim/run/run_observer.h"

namespace orrery::sim {

class StoryRecord;

// Where a run tells its story: shared with the process of the run, whose records outlive it.
class StoryMemory {
 public:
  static constexpr size_t kMilestoneBytes = size_t{24} << 20;
  static constexpr size_t kDetailBytes = size_t{96} << 20;
  static constexpr size_t kKeptBytes = size_t{32} << 20;

  StoryMemory();

  // What stands out, for which there is room over the whole run; details; and those of spans that
  // are kept whatever comes later.
  RecordRing& milestones() { return milestones_; }
  RecordRing& details() { return details_; }
  RecordRing& kept() { return kept_; }
  // The key of the loop whose event was dispatched last (Process::LoopKey).
  std::atomic<uint64_t>& running() { return *running_; }

 private:
  SharedMemory milestone_memory_;
  SharedMemory detail_memory_;
  SharedMemory kept_memory_;
  SharedMemory running_memory_;
  RecordRing milestones_;
  RecordRing details_;
  RecordRing kept_;
  std::atomic<uint64_t>* running_;
};

class StoryRecorder final : public RunObserver {
 public:
  // Details are told of `wanted` and of `kept`, which are apart. REQUIRES: `memory` outlives this.
  StoryRecorder(StoryMemory& memory, Span wanted, std::vector<Span> kept);
  ~StoryRecorder();

  void Begin(World& world) override { world_ = &world; }
  void Record(uint64_t index, Time time, Happening happening, uint64_t entity, uint64_t a,
              uint64_t b, uint64_t hash_after) override;
  void Woken(const Loop& loop, const TaskContext* by, const TaskContext& whom) override;
  void Emit(const Process* process, const TraceRecord& record) override;
  void End() override { ended_ = true; }

 private:
  const Process* RunningProcess() const;
  void Fill(const Process* process, const TraceRecord& record);
  RecordRing* RingFor(const TraceRecord& record);

  StoryMemory& memory_;
  const Span wanted_;
  const std::vector<Span> kept_;
  World* world_ = nullptr;
  bool ended_ = false;
  TaskFlow flow_;
  uint64_t ordinal_ = 0;
  uint64_t step_ = 0;
  uint64_t running_ = 0;
  std::map<uint64_t, std::string> processes_;  // By the key of the loop of a life.
  std::unique_ptr<StoryRecord> next_;          // Reused.
  std::string bytes_;                          // Reused.
};

}  // namespace orrery::sim
