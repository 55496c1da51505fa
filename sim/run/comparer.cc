// Looking for the first entry that differs.
#include "sim/run/comparer.h"

#include <utility>

namespace orrery::sim {

absl::Status Comparer::Open(const std::string& path, uint64_t seed) {
  ASSIGN_OR_RETURN(file_, RecordingFile::Open(path));
  if (file_->seed() != seed) {
    return Error(ErrorCode::invalid_argument, path + ": is a recording of seed " +
                                                  std::to_string(file_->seed()) + ", not of " +
                                                  std::to_string(seed));
  }
  cursor_.emplace(*file_);
  comparison_ = {.same = 0, .recorded = file_->entries(), .end = file_->end(), .divergence = {}};
  return absl::OkStatus();
}

bool Comparer::Add(const RecordedNote& note) {
  if (comparison_.divergence.has_value()) {
    std::vector<RecordedNote>& run = comparison_.divergence->second;
    if (run.size() < kEntriesAfter) run.push_back(note);
    return false;
  }
  if (beyond_) return false;
  RecordedNote recorded;
  if (!cursor_->Next(recorded)) {
    beyond_ = comparison_.end != RecordingEnd::kComplete;
    if (beyond_) return false;
    Differs(std::nullopt);
  } else if (recorded.SameAs(note)) {
    Same(note);
    return false;
  } else {
    Differs(recorded);
  }
  comparison_.divergence->second.push_back(note);
  return true;
}

void Comparer::Skip(uint64_t entries) {
  RecordedNote note;
  while (comparison_.same < entries && cursor_->Next(note)) Same(note);
}

void Comparer::Same(const RecordedNote& note) {
  comparison_.same = note.index;
  before_.push_back(note);
  if (before_.size() > kEntriesBefore) before_.pop_front();
}

void Comparer::Differs(std::optional<RecordedNote> recorded) {
  Divergence divergence;
  divergence.before.assign(before_.begin(), before_.end());
  if (recorded.has_value()) divergence.first.push_back(*recorded);
  RecordedNote next;
  while (recorded.has_value() && divergence.first.size() < kEntriesAfter && cursor_->Next(next)) {
    divergence.first.push_back(next);
  }
  comparison_.divergence = std::move(divergence);
}

void Comparer::Finish(RunEnd end) {
  if (end != RunEnd::kItself || comparison_.divergence.has_value()) return;
  if (comparison_.end != RecordingEnd::kComplete || beyond_) return;
  RecordedNote recorded;
  if (cursor_->Next(recorded)) Differs(recorded);
}

}  // namespace orrery::sim
