// Loop: the executor and clock of one simulated process incarnation (or of the world itself).
//
// A turn drains the ready nodes, each the seed's choice among those ready (outside the windows of a
// Schedule: the one that has been ready for longest), then runs the turn-end
// nodes; it follows the event that woke the loop. A turn takes no virtual time unless the processor
// is slow.
//
// Local time is the world's time by a rate and an offset. A held loop (a paused process) dispatches
// nothing; its events follow in order when it is released. A fenced loop (a killed process) is
// inert: posts and timers are dropped, so that destructors cannot act on the outside.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/async/clock.h"
#include "core/async/executor.h"
#include "sim/world/schedule.h"
#include "sim/world/timeline.h"

namespace orrery::sim {

class Loop final : public Executor, public Clock {
 public:
  struct Options {
    bool ignore_priority = false;  // The world's draw: priorities are hints.
    // Where the seed draws the order, of Schedule::WindowsOf. nullptr: everywhere.
    const std::vector<ScheduleWindow>* drawn = nullptr;
  };

  // `key` names the loop in draws and in the hash: a hash of process name and incarnation.
  Loop(Timeline& timeline, uint64_t key, Options options);
  ~Loop();  // REQUIRES: nothing is queued or armed any more.

  // Executor.
  void Post(ReadyNode& node) noexcept override;
  void Remove(ReadyNode& node) noexcept override;
  void AtTurnEnd(ReadyNode& node) noexcept override;

  // Clock, in local time.
  Time Now() const override { return LocalTime(timeline_.Now()); }
  int64_t WallMicros() const override;
  void Arm(TimerNode& timer, Time due) noexcept override;
  void Disarm(TimerNode& timer) noexcept override;

  // Arms for a moment of world time: for models of the outside (deliveries, disks). The dispatch
  // waits while the loop is held, and is followed by a turn.
  void ArmAt(TimerNode& timer, Time world_due) noexcept;

  Timeline& timeline() const { return timeline_; }
  uint64_t key() const { return key_; }

  // A stateless draw: a hash of (seed, this loop, `stream`, `ordinal`).
  uint64_t Draw(uint64_t stream, uint64_t ordinal) const {
    return HashWords(draw_key_, stream, ordinal);
  }

  // Faults.
  void HoldUntil(Time world_time);  // Extends a hold that is on already; never shortens it.
  void Release();                   // Ends a hold now; what waited follows in its order.
  bool held() const { return timeline_.Now() < held_until_; }
  void set_turn_cost(Duration cost) { turn_cost_ = cost; }  // A slow processor: per turn.
  // From now on local time runs at (1,000,000 + ppm) / 1,000,000 of world time.
  void SetDrift(int64_t ppm);
  void JumpForward(Duration d);  // The monotonic clock, as after a suspended machine.
  void set_wall_offset_micros(int64_t micros) { wall_offset_micros_ = micros; }

  void Fence() { fenced_ = true; }
  bool fenced() const { return fenced_; }

 private:
  friend class Timeline;

  struct TurnTimer : TimerNode {
    explicit TurnTimer(Loop& owner);
    Loop& loop;
  };

  Time LocalTime(Time world) const;
  void Fire(TimerNode& timer);  // Dispatch or, when held, postpone.
  void RunTurn();
  ReadyNode* Choose();
  ReadyNode* Take(size_t lane, size_t index);
  size_t Oldest(size_t lane) const;  // REQUIRES: drawn_, and the lane is not empty.
  bool Draws() { return !drawn_.has_value() || drawn_->Contains(timeline_.now_); }
  bool HasReady() const;

  Timeline& timeline_;
  const uint64_t key_;
  const uint64_t draw_key_;
  const uint64_t tie_key_;
  const bool ignore_priority_;
  bool fenced_ = false;
  bool in_turn_ = false;

  std::array<std::vector<ReadyNode*>, kPriorityCount> ready_;
  std::vector<ReadyNode*> turn_end_;
  // With a Schedule only: when each of ready_ was posted, by count.
  std::array<std::vector<uint64_t>, kPriorityCount> posted_;
  uint64_t posts_ = 0;
  std::optional<DrawnSpans> drawn_;
  uint64_t ties_ = 0;
  uint64_t choices_ = 0;

  Time held_until_{};
  uint64_t held_ties_ = 0;
  Duration turn_cost_{};

  // Local time = local_base + (world - world_base) * (1 + ppm / 1,000,000).
  Time world_base_{};
  Time local_base_{};
  int64_t drift_ppm_ = 0;
  int64_t wall_offset_micros_ = 0;

  size_t armed_ = 0;
  TurnTimer turn_;
};

}  // namespace orrery::sim
