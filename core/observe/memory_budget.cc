// The lines of memory budgets. An awaiter climbs from its own budget to the root: at each level it
// is counted when it is first in line and fits, then goes on to the parent.
#include "core/observe/memory_budget.h"

#include <algorithm>

#include "core/base/invariant.h"

namespace orrery {

MemoryBudget::~MemoryBudget() {
  INVARIANT(used_bytes_ == 0, used_bytes_, limit_bytes_);
  INVARIANT(first_ == nullptr);
}

bool MemoryBudget::Reservation::TryGrow(uint64_t bytes) {
  if (budget_ == nullptr || !budget_->Take(bytes, /*pass_waiters=*/true)) return false;
  bytes_ += bytes;
  return true;
}

void MemoryBudget::Reservation::Shrink(uint64_t bytes) {
  INVARIANT(bytes <= bytes_, bytes, bytes_);
  bytes_ -= bytes;
  if (bytes > 0) budget_->Return(bytes, nullptr);
}

MemoryBudget::Awaiter::~Awaiter() {
  if (state_ == State::kWaiting) {
    MemoryBudget* const line = line_;
    line->Unlink(*this);
    line->Grant();  // Those behind may need less.
    budget_.Return(bytes_, line);
  } else if (state_ == State::kGranted) {
    budget_.Return(bytes_, nullptr);
  }
}

bool MemoryBudget::Awaiter::await_ready() noexcept {
  if (!budget_.CouldEverFit(bytes_)) return true;
  if (!budget_.Take(bytes_, /*pass_waiters=*/false)) return false;
  state_ = State::kGranted;
  return true;
}

absl::StatusOr<MemoryBudget::Reservation> MemoryBudget::Awaiter::await_resume() noexcept {
  if (state_ != State::kGranted) return Error(ErrorCode::memory_limit);
  state_ = State::kDone;
  return Reservation(&budget_, bytes_);
}

std::optional<MemoryBudget::Reservation> MemoryBudget::TryReserve(uint64_t bytes) {
  if (!Take(bytes, /*pass_waiters=*/false)) return std::nullopt;
  return Reservation(this, bytes);
}

bool MemoryBudget::CouldEverFit(uint64_t bytes) const {
  return bytes <= limit_bytes_ && (parent_ == nullptr || parent_->CouldEverFit(bytes));
}

void MemoryBudget::Count(uint64_t bytes) {
  used_bytes_ += bytes;
  peak_bytes_ = std::max(peak_bytes_, used_bytes_);
}

bool MemoryBudget::Take(uint64_t bytes, bool pass_waiters) {
  for (const MemoryBudget* level = this; level != nullptr; level = level->parent_) {
    if (!level->Fits(bytes) || (level->has_waiters() && !pass_waiters)) return false;
  }
  for (MemoryBudget* level = this; level != nullptr; level = level->parent_) level->Count(bytes);
  return true;
}

void MemoryBudget::Return(uint64_t bytes, const MemoryBudget* end) {
  // Everything is back before any line moves: who climbs finds the whole room above.
  for (MemoryBudget* level = this; level != end; level = level->parent_) {
    INVARIANT(bytes <= level->used_bytes_, bytes, level->used_bytes_);
    level->used_bytes_ -= bytes;
  }
  GrantUpTo(end);
}

void MemoryBudget::GrantUpTo(const MemoryBudget* end) {
  if (this == end) return;
  if (parent_ != nullptr) parent_->GrantUpTo(end);
  Grant();
}

void MemoryBudget::Enter(Awaiter& awaiter) {
  for (MemoryBudget* level = this; level != nullptr; level = level->parent_) {
    if (level->has_waiters() || !level->Fits(awaiter.bytes_)) {
      level->PushBack(awaiter);
      return;
    }
    level->Count(awaiter.bytes_);
  }
  awaiter.state_ = Awaiter::State::kGranted;
  awaiter.Wake();
}

void MemoryBudget::Grant() {
  while (first_ != nullptr && Fits(first_->bytes_)) {
    Awaiter& first = *first_;
    Unlink(first);
    Count(first.bytes_);
    if (parent_ != nullptr) {
      parent_->Enter(first);
    } else {
      first.state_ = Awaiter::State::kGranted;
      first.Wake();
    }
  }
}

void MemoryBudget::PushBack(Awaiter& awaiter) {
  awaiter.state_ = Awaiter::State::kWaiting;
  awaiter.line_ = this;
  awaiter.before_ = last_;
  awaiter.behind_ = nullptr;
  (last_ != nullptr ? last_->behind_ : first_) = &awaiter;
  last_ = &awaiter;
}

void MemoryBudget::Unlink(Awaiter& awaiter) {
  (awaiter.before_ != nullptr ? awaiter.before_->behind_ : first_) = awaiter.behind_;
  (awaiter.behind_ != nullptr ? awaiter.behind_->before_ : last_) = awaiter.before_;
  awaiter.line_ = nullptr;
}

}  // namespace orrery
