// Trace events with what led to them, encoded into shared memory.
#include "sim/report/story_recorder.h"

#include <string_view>

#include "core/observe/story_events.h"
#include "core/observe/trace_json.h"
#include "sim/report/story_record.pb.h"
#include "sim/world/process.h"
#include "sim/world/world.h"

namespace orrery::sim {
namespace {

using namespace story_events;

std::string TextOf(const TraceRecord::Field& field) {
  return std::visit(
      [](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return value.substr(0, kTraceTextBytesMax);
        } else if constexpr (std::is_same_v<T, bool>) {
          return value ? "true" : "false";
        } else {
          return std::to_string(value);
        }
      },
      field.value);
}

std::string FieldOf(const TraceRecord& record, std::string_view name) {
  for (const TraceRecord::Field& field : record.fields) {
    if (field.name == name) return TextOf(field);
  }
  return "";
}

bool IsArrival(std::string_view type) {
  return type == kRequestReceived || type == kReplyReceived || type == kRequestCancelled;
}

bool StandsOut(const TraceRecord& record) {
  const std::string_view type = record.type;
  return record.level != TraceLevel::kDebug || type == kOperationBegan || type == kOperationEnded;
}

uint64_t TaskOf(const TaskContext* task) {
  return task == nullptr ? TaskFlow::kNoTask : task->task_id;
}

}  // namespace

StoryMemory::StoryMemory()
    : milestone_memory_(RecordRing::BytesFor(kMilestoneBytes)),
      detail_memory_(RecordRing::BytesFor(kDetailBytes)),
      kept_memory_(RecordRing::BytesFor(kKeptBytes)),
      running_memory_(sizeof(std::atomic<uint64_t>)),
      milestones_(milestone_memory_.data(), kMilestoneBytes),
      details_(detail_memory_.data(), kDetailBytes),
      kept_(kept_memory_.data(), kKeptBytes),
      running_(static_cast<std::atomic<uint64_t>*>(running_memory_.data())) {}

StoryRecorder::StoryRecorder(StoryMemory& memory, Span wanted, std::vector<Span> kept)
    : memory_(memory),
      wanted_(wanted),
      kept_(std::move(kept)),
      next_(std::make_unique<StoryRecord>()) {}

StoryRecorder::~StoryRecorder() = default;

void StoryRecorder::Record(uint64_t, Time, Happening happening, uint64_t entity, uint64_t, uint64_t,
                           uint64_t) {
  if (happening != Happening::kEvent) return;
  ++step_;
  running_ = entity;
  memory_.running().store(entity, std::memory_order_relaxed);
}

void StoryRecorder::Woken(const Loop& loop, const TaskContext* by, const TaskContext& whom) {
  flow_.Woken(loop.key(), step_, TaskOf(by), whom.task_id);
}

// The process whose event the world is at; nullptr for what happens outside of processes.
const Process* StoryRecorder::RunningProcess() const {
  const auto found = processes_.find(running_);
  if (found == processes_.end()) return nullptr;
  const Process* const process = world_->FindProcess(found->second);
  return process->running() ? process : nullptr;
}

void StoryRecorder::Emit(const Process* process, const TraceRecord& record) {
  if (ended_) return;
  const std::string_view type = record.type;
  if (type == kProcessStarted) {
    std::string name = FieldOf(record, "process");
    const uint32_t life = world_->FindProcess(name)->incarnation();
    processes_[Process::LoopKey(name, life)] = std::move(name);
  }
  // A verdict is where it was reached.
  if (process == nullptr && type == kRunFailed) process = RunningProcess();
  Fill(process, record);
  if (RecordRing* const ring = RingFor(record)) {
    next_->SerializeToString(&bytes_);
    ring->Append(bytes_);
  }
}

// Where it is kept; nullptr: nowhere.
RecordRing* StoryRecorder::RingFor(const TraceRecord& record) {
  if (StandsOut(record)) return &memory_.milestones();
  const Time now = world_->Now();
  for (const Span& span : kept_) {
    if (span.Contains(now)) return &memory_.kept();
  }
  return wanted_.Contains(now) ? &memory_.details() : nullptr;
}

// Also of what is not kept: what follows is led to by it.
void StoryRecorder::Fill(const Process* process, const TraceRecord& record) {
  next_->Clear();
  next_->set_ordinal(++ordinal_);
  next_->set_time_ns(ToNanoseconds(world_->Now()));
  next_->set_level(static_cast<uint32_t>(record.level));
  next_->set_type(record.type);
  uint64_t loop = world_->loop().key();
  uint64_t task = TaskFlow::kNoTask;
  if (process != nullptr) {
    next_->set_process(process->name());
    next_->set_incarnation(process->incarnation());
    loop = Process::LoopKey(process->name(), process->incarnation());
    if (const TaskContext* const running = process->RunningTask()) {
      task = running->task_id;
      next_->set_task(running->name);
    }
  }
  for (const TraceRecord::Field& field : record.fields) {
    StoryField* const added = next_->add_fields();
    added->set_name(field.name);
    added->set_value(TextOf(field));
  }
  if (record.injected) {
    StoryField* const added = next_->add_fields();
    added->set_name("injected");
    added->set_value("true");
  }
  for (const uint64_t cause : flow_.Happened(loop, step_, task, ordinal_, IsArrival(record.type))) {
    next_->add_causes(cause);
  }
}

}  // namespace orrery::sim
