// The event loop of a real process: executor, clock and readiness of descriptors on one thread.
//
// A turn: run ready nodes until there is none (bounded), then the turn-end nodes, then the timers
// that are due, then look at the descriptors; when nothing is ready, sleep there until the next
// timer. Everything is dispatched from here and nothing beneath: a descriptor's callback and a
// remote completion wake nodes, they resume nobody.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "core/async/clock.h"
#include "core/async/run_queue.h"
#include "core/async/timer_heap.h"

namespace orrery::real {

// Something that another thread hands to the loop. Owned by whoever queues it until `run` is called
// on the loop's thread, at its top.
struct RemoteNode {
  void (*run)(RemoteNode*) = nullptr;
  RemoteNode* next = nullptr;
};

class Loop final : public Executor, public Clock {
 public:
  explicit Loop(int64_t turn_nodes_max);
  ~Loop();  // REQUIRES: no Descriptor of this loop is left, and no thread calls PostRemote.

  void Post(ReadyNode& node) noexcept override { ready_.Push(node, this); }
  void Remove(ReadyNode& node) noexcept override { ready_.Remove(node); }
  void AtTurnEnd(ReadyNode& node) noexcept override { turn_end_.queue.Push(node, &turn_end_); }

  Time Now() const override;
  int64_t WallMicros() const override;
  void Arm(TimerNode& timer, Time due) noexcept override;
  void Disarm(TimerNode& timer) noexcept override;

  // Turns until Stop.
  void Run();

  // Ends the Run that runs, or else the next one, soon. Any thread.
  void Stop();

  // Ends Run after this turn. From within Run.
  void StopHere() { stop_ = true; }

  // Queues `node` for the loop's top. Nodes that come together share one wake-up. Any thread.
  void PostRemote(RemoteNode& node);

  // Runs what is ready now, without waiting: between Runs, to finish what was under way.
  void Drain();

 private:
  friend class Descriptor;
  struct Io;

  // A queue of its own, so that a node knows which one to leave.
  struct TurnEnd final : Executor {
    void Post(ReadyNode& node) noexcept override { queue.Push(node, this); }
    void Remove(ReadyNode& node) noexcept override { queue.Remove(node); }
    void AtTurnEnd(ReadyNode& node) noexcept override { queue.Push(node, this); }
    RunQueue queue;
  };

  void Turn();
  void RunTimers();
  bool Idle() const;
  void WakeAt(Time due);
  void RunRemote();

  const int64_t turn_nodes_max_;
  RunQueue ready_;
  TurnEnd turn_end_;
  TimerHeap timers_;
  uint64_t last_tie_ = 0;
  Time passed_{};  // When timers were last looked at.
  bool stop_ = false;
  Time wake_at_ = kNever;  // When the io timer fires; kNever: not armed.

  std::mutex remote_mutex_;
  RemoteNode* remote_first_ = nullptr;  // Guarded by remote_mutex_.
  RemoteNode* remote_last_ = nullptr;   // Guarded by remote_mutex_.

  std::unique_ptr<Io> io_;
};

// An open descriptor whose readiness the loop reports. Owns and closes it. Its callbacks may
// destroy it and wake nodes; they run no coroutine.
class Descriptor {
 public:
  class Owner {
   public:
    // The descriptor may be readable (or is broken, or the wait was in vain: try and see).
    virtual void OnReadable() = 0;
    virtual void OnWritable() = 0;

   protected:
    ~Owner() = default;
  };

  // Takes `fd`, open and non-blocking. REQUIRES: `owner` outlives this.
  Descriptor(Loop& loop, int fd, Owner& owner);
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();  // Closes; no callback comes afterwards.

  int fd() const;

  // One callback, once the descriptor is ready. Nothing when one is awaited already.
  void AwaitReadable();
  void AwaitWritable();
  bool awaits_writable() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // Shared with Asio's operations under way.
};

}  // namespace orrery::real
