// The time an operation takes, and what a stall does to it.
#include "sim/disk/disk_operation.h"

#include <algorithm>

namespace orrery::sim {

DiskOperation::DiskOperation(Disk& disk, Loop& loop, Duration median, uint64_t bytes)
    : disk_(disk), loop_(loop), done_(disk.CompletionTime(median, bytes)) {
  run = [](ReadyNode* node) {
    DiskOperation& self = *static_cast<DiskOperation*>(node);
    self.Leave();
    self.handle_.resume();
  };
}

void DiskOperation::Begin() {
  under_way_ = true;
  place_ = disk_.under_way_.size();
  disk_.under_way_.push_back(this);
  loop_.ArmAt(*this, done_);
}

void DiskOperation::Leave() {
  if (!under_way_) return;
  under_way_ = false;
  DiskOperation* const last = disk_.under_way_.back();
  last->place_ = place_;
  disk_.under_way_[place_] = last;
  disk_.under_way_.pop_back();
}

void DiskOperation::Delay(Duration by) {
  const Time now = disk_.timeline_.Now();
  if (done_ <= now) return;  // Done; its loop has yet to see it.
  done_ = std::max(now, done_ + by);
  if (!armed()) return;
  loop_.Disarm(*this);
  loop_.ArmAt(*this, done_);
}

}  // namespace orrery::sim
