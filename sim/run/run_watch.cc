// Handing on what happens to all who look.
#include "sim/run/run_watch.h"

#include <algorithm>

namespace orrery::sim {

std::optional<RunFailure> RunWatch::Open() {
  const auto failure = [](const char* kind, const absl::Status& status) {
    return RunFailure{.kind = kind, .text = std::string(status.message())};
  };
  if (!request_.trace_file.empty()) {
    const absl::Status opened = trace_file_.emplace().Open(request_.trace_file);
    if (!opened.ok()) return failure("trace", opened);
  }
  if (!request_.compare_with.empty()) {
    const absl::Status opened = comparer_.emplace().Open(request_.compare_with, request_.seed);
    if (!opened.ok()) return failure("recording", opened);
    result_.comparison = comparer_->comparison();
  }
  if (!request_.recording_file.empty()) {
    const absl::Status opened = writer_.emplace().Open(request_.recording_file, request_.seed);
    if (!opened.ok()) return failure("recording", opened);
  }
  return std::nullopt;
}

WorldTrace* RunWatch::trace() {
  return trace_file_.has_value() || request_.observer != nullptr ? this : nullptr;
}

TraceLevel RunWatch::trace_level() const {
  if (trace_file_.has_value()) return TraceLevel::kDebug;
  return request_.observer != nullptr ? request_.observer->least_level() : TraceLevel::kError;
}

void RunWatch::Begin(World& world) {
  if (request_.observer != nullptr) request_.observer->Begin(world);
  if (request_.observer != nullptr || writer_.has_value() || comparer_.has_value()) {
    world.timeline().set_recorder(this);
  }
}

void RunWatch::Record(uint64_t index, Time time, Happening happening, uint64_t entity, uint64_t a,
                      uint64_t b, uint64_t hash_after) {
  const RecordedNote note = {.index = index,
                             .time_ns = ToNanoseconds(time),
                             .happening = static_cast<uint64_t>(happening),
                             .entity = entity,
                             .a = a,
                             .b = b,
                             .hash_after = hash_after};
  monitor_.Entered(index);
  if (writer_.has_value()) writer_->Add(note);
  if (comparer_.has_value() && comparer_->Add(note)) {
    result_.comparison = comparer_->comparison();
    monitor_.Known(result_);
    if (request_.observer != nullptr) request_.observer->Differs();
  }
  if (request_.observer != nullptr) {
    request_.observer->Record(index, time, happening, entity, a, b, hash_after);
  }
}

void RunWatch::Woken(const Loop& loop, const TaskContext* by, const TaskContext& whom) {
  if (request_.observer != nullptr) request_.observer->Woken(loop, by, whom);
}

void RunWatch::Emit(const Process* process, const TraceRecord& record) {
  if (finished_) return;
  if (trace_file_.has_value()) trace_file_->Emit(process, record);
  if (request_.observer == nullptr || record.level < request_.observer->least_level()) return;
  request_.observer->Emit(process, record);
}

void RunWatch::Finish(World& world) {
  world.timeline().set_recorder(nullptr);
  finished_ = true;
  if (request_.observer != nullptr) request_.observer->End();
  if (comparer_.has_value()) {
    comparer_->Finish(result_.stopped ? RunEnd::kAsAsked : RunEnd::kItself);
    result_.comparison = comparer_->comparison();
  }
  if (writer_.has_value()) {
    Fail("recording",
         writer_->Close(result_.stopped ? RecordingEnd::kStopped : RecordingEnd::kComplete));
  }
  if (trace_file_.has_value()) Fail("trace", trace_file_->Close());
}

void RunWatch::Fail(const char* kind, const absl::Status& status) {
  if (status.ok()) return;
  result_.failures.push_back({.kind = kind,
                              .text = std::string(status.message()),
                              .time = result_.simulated,
                              .event = result_.notes});
}

}  // namespace orrery::sim
