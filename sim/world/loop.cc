// Turns, choices and local time of a simulated loop.
#include "sim/world/loop.h"

#include <algorithm>

#include "core/base/invariant.h"

namespace orrery::sim {
namespace {

constexpr int kDispatchesPerTurnMax = 10'000;  // Then others get their turn at the same moment.
constexpr uint32_t kTurnEndSlot = 1u << 31;    // Marks slots of turn_end_.
constexpr int64_t kMillion = 1'000'000;

// value * (kMillion + ppm) / kMillion without overflow.
int64_t Scale(int64_t value, int64_t ppm) {
  if (ppm == 0) return value;
  return value + static_cast<int64_t>(static_cast<__int128>(value) * ppm / kMillion);
}

}  // namespace

Loop::TurnTimer::TurnTimer(Loop& owner) : loop(owner) {
  run = [](ReadyNode*) {};  // The turn follows every dispatch: see Fire.
}

Loop::Loop(Timeline& timeline, uint64_t key, Options options)
    : timeline_(timeline),
      key_(key),
      draw_key_(HashWords(timeline.draw_seed(), key)),
      tie_key_(HashWords(timeline.draw_seed(), key, HashName("tie"))),
      ignore_priority_(options.ignore_priority),
      world_base_(timeline.Now()),
      local_base_(timeline.Now()),
      turn_(*this) {
  if (options.drawn != nullptr) drawn_.emplace(*options.drawn);
}

Loop::~Loop() {
  if (turn_.armed()) Disarm(turn_);
  INVARIANT(armed_ == 0 && !HasReady() && turn_end_.empty(), armed_);
}

void Loop::Post(ReadyNode& node) noexcept {
  if (fenced_) return;
  if (Recorder* const recorder = timeline_.recorder(); recorder != nullptr) [[unlikely]] {
    if (node.context != nullptr) recorder->Woken(*this, running(), *node.context);
  }
  const size_t index = ignore_priority_ ? 0 : static_cast<size_t>(node.priority);
  std::vector<ReadyNode*>& lane = ready_[index];
  node.queue = this;
  node.slot = static_cast<uint32_t>(lane.size());
  lane.push_back(&node);
  if (drawn_.has_value()) [[unlikely]]
    posted_[index].push_back(++posts_);
  if (!in_turn_ && !turn_.armed()) ArmAt(turn_, timeline_.now_);
}

void Loop::AtTurnEnd(ReadyNode& node) noexcept {
  if (fenced_) return;
  node.queue = this;
  node.slot = static_cast<uint32_t>(turn_end_.size()) | kTurnEndSlot;
  turn_end_.push_back(&node);
  if (!in_turn_ && !turn_.armed()) ArmAt(turn_, timeline_.now_);
}

void Loop::Remove(ReadyNode& node) noexcept {
  if ((node.slot & kTurnEndSlot) != 0) {
    turn_end_[node.slot & ~kTurnEndSlot] = nullptr;  // Keeps the order of the others.
    node.queue = nullptr;
  } else {
    Take(ignore_priority_ ? 0 : static_cast<size_t>(node.priority), node.slot);
  }
}

ReadyNode* Loop::Take(size_t lane, size_t index) {
  std::vector<ReadyNode*>& from = ready_[lane];
  ReadyNode* const node = from[index];
  from[index] = from.back();
  from[index]->slot = static_cast<uint32_t>(index);
  from.pop_back();
  node->queue = nullptr;
  if (drawn_.has_value()) [[unlikely]] {
    posted_[lane][index] = posted_[lane].back();
    posted_[lane].pop_back();
  }
  return node;
}

size_t Loop::Oldest(size_t lane) const {
  const std::vector<uint64_t>& posted = posted_[lane];
  return static_cast<size_t>(std::min_element(posted.begin(), posted.end()) - posted.begin());
}

bool Loop::HasReady() const {
  for (const auto& lane : ready_) {
    if (!lane.empty()) return true;
  }
  return false;
}

ReadyNode* Loop::Choose() {
  for (size_t lane = 0; lane < ready_.size(); ++lane) {
    const size_t count = ready_[lane].size();
    if (count == 0) continue;
    if (count == 1) return Take(lane, 0);
    const uint64_t draw = MixWord(draw_key_ + ++choices_);
    const size_t index =
        Draws() ? static_cast<size_t>((static_cast<unsigned __int128>(draw) * count) >> 64)
                : Oldest(lane);
    timeline_.Note(Happening::kChoice, key_, count, index);
    return Take(lane, index);
  }
  return nullptr;
}

void Loop::Fire(TimerNode& timer) {
  if (held()) {
    timer.due = held_until_;
    timer.tie = ++held_ties_;  // Below every other tie in practice: held events keep their order.
    timeline_.heap_.Push(timer);
    return;
  }
  timer.clock = nullptr;
  --armed_;
  timeline_.Note(Happening::kEvent, key_, static_cast<uint64_t>(ToNanoseconds(timeline_.now_)));
  in_turn_ = true;
  Dispatch(timer);
  RunTurn();
  in_turn_ = false;
}

void Loop::RunTurn() {
  int budget = kDispatchesPerTurnMax;
  while (!fenced_ && budget > 0) {
    if (ReadyNode* node = Choose()) {
      Dispatch(*node);
      --budget;
      continue;
    }
    if (turn_end_.empty()) break;
    for (size_t i = 0; i < turn_end_.size(); ++i) {
      ReadyNode* const node = turn_end_[i];
      if (node == nullptr) continue;
      turn_end_[i] = nullptr;
      node->queue = nullptr;
      Dispatch(*node);
      --budget;
    }
    turn_end_.clear();
  }
  if (fenced_) return;
  if (turn_cost_ > Duration::zero()) HoldUntil(timeline_.now_ + turn_cost_);
  if ((HasReady() || !turn_end_.empty()) && !turn_.armed()) ArmAt(turn_, timeline_.now_);
}

Time Loop::LocalTime(Time world) const {
  return local_base_ + Duration(Scale((world - world_base_).count(), drift_ppm_));
}

int64_t Loop::WallMicros() const {
  return ToNanoseconds(timeline_.Now()) / 1000 + wall_offset_micros_;
}

void Loop::Arm(TimerNode& timer, Time due) noexcept {
  const Duration local_wait = due - Now();
  // A local wait of w takes w / (1 + ppm/10^6) of world time; one nanosecond more than rounding
  // down, so that local time has reached `due` when the timer fires.
  const __int128 wait =
      local_wait.count() <= 0 ? 0
      : drift_ppm_ == 0
          ? local_wait.count()
          : static_cast<__int128>(local_wait.count()) * kMillion / (kMillion + drift_ppm_) + 1;
  const bool too_late = wait > (kNever - timeline_.now_).count();
  ArmAt(timer, too_late ? kNever : timeline_.now_ + Duration(static_cast<int64_t>(wait)));
}

void Loop::ArmAt(TimerNode& timer, Time world_due) noexcept {
  if (fenced_) return;
  timer.due = world_due < timeline_.now_ ? timeline_.now_ : world_due;
  ++ties_;
  timer.tie = Draws() ? MixWord(tie_key_ + ties_) : timeline_.NextTie();
  timer.clock = this;
  ++armed_;
  timeline_.heap_.Push(timer);
}

void Loop::Disarm(TimerNode& timer) noexcept {
  timeline_.heap_.Remove(timer);
  timer.clock = nullptr;
  --armed_;
}

void Loop::HoldUntil(Time world_time) {
  if (world_time > held_until_) held_until_ = world_time;
}

void Loop::Release() { held_until_ = timeline_.Now(); }

void Loop::SetDrift(int64_t ppm) {
  INVARIANT(ppm > -kMillion / 2 && ppm < kMillion, ppm);
  local_base_ = Now();
  world_base_ = timeline_.Now();
  drift_ppm_ = ppm;
}

void Loop::JumpForward(Duration d) {
  INVARIANT(d >= Duration::zero());
  local_base_ += d;
}

}  // namespace orrery::sim
