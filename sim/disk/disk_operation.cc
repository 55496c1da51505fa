// The time an operation takes, and what a stall does to it.
#include "sim/disk/disk_operation.h"

namespace orrery::sim {

DiskOperation::DiskOperation(Disk& disk, Loop& loop, Duration median, uint64_t bytes)
    : disk_(disk),
      loop_(loop),
      stalled_(disk.stalled()),
      done_(disk.CompletionTime(median, bytes)) {
  run = [](ReadyNode* node) {
    DiskOperation& self = *static_cast<DiskOperation*>(node);
    self.under_way_ = false;
    self.Leave();
    self.handle_.resume();
  };
}

void DiskOperation::Begin() {
  under_way_ = true;
  loop_.ArmAt(*this, done_);
  if (!stalled_) return;
  held_at_ = disk_.held_.size();
  disk_.held_.push_back(this);
}

void DiskOperation::Leave() {
  if (!held_at_.has_value()) return;
  DiskOperation* const last = disk_.held_.back();
  last->held_at_ = held_at_;
  disk_.held_[*held_at_] = last;
  disk_.held_.pop_back();
  held_at_.reset();
}

void DiskOperation::Release() {
  held_at_.reset();
  if (!armed()) return;
  loop_.Disarm(*this);
  loop_.ArmAt(*this, disk_.timeline_.Now());
}

}  // namespace orrery::sim
