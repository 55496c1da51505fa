// Timeline: virtual time, the one heap of events, and the rolling hash of everything that happens.
// It knows nothing of processes, networks or disks: those put events on it, through Loops.
//
// One thread runs a world, one event at a time. The order is the heap's: by time, then by a tie
// that is drawn from the seed when the event is inserted or, where a Schedule says so, counts on.
#pragma once

#include <cstdint>

#include "core/async/executor.h"
#include "core/async/timer_heap.h"
#include "core/base/hash.h"
#include "core/base/time.h"

namespace orrery::sim {

class Loop;

// What an entry of the hash is about. Values are part of the hash; add at the end.
enum class Happening : uint8_t {
  kEvent = 1,      // An event was dispatched.    a: time
  kChoice = 2,     // One of several ready nodes. a: how many, b: which
  kProcess = 3,    // Started, killed, ended.     a: what, b: incarnation
  kConnect = 4,    // A connection step.          a: what, b: connection
  kDelivery = 5,   // Bytes reached an end.       a: hash of the bytes, b: connection
  kFile = 6,       // A file operation.           a: what, b: hash of its arguments and bytes
  kWork = 7,       // Work ran on a pool.         a: pool
  kFault = 8,      // A fault began or ended.     a: what, b: its parameters
  kDraw = 9,       // A draw not covered above.   a: value
  kWorkload = 10,  // A workload's operation.     a: what, b: value
};

const char* NameOf(Happening happening);

// Sees every entry of the hash. Must not change the run: no draws, no posts.
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void Record(uint64_t index, Time time, Happening happening, uint64_t entity, uint64_t a,
                      uint64_t b, uint64_t hash_after) = 0;

  // On `loop`, `by` made a task ready. `by` is nullptr where no task runs: a timer, an arrival.
  virtual void Woken(const Loop& /*loop*/, const TaskContext* /*by*/, const TaskContext& /*whom*/) {
  }
};

class Timeline {
 public:
  // `chance`: what is left to chance (order, latencies, what a power loss leaves) is drawn
  // otherwise for each; 0 is the seed's own.
  explicit Timeline(uint64_t seed, uint64_t chance = 0)
      : seed_(seed),
        draw_seed_(chance == 0 ? seed : HashWords(seed, HashName("chance"), chance)),
        hash_(HashAtStart(seed)) {}
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  uint64_t seed() const { return seed_; }
  // Of what is left to chance. What a world is, its parameters, is drawn by seed().
  uint64_t draw_seed() const { return draw_seed_; }
  Time Now() const { return now_; }

  // Enters something into the hash. `entity` is the Loop's, machine's or connection's key, never an
  // address.
  void Note(Happening happening, uint64_t entity, uint64_t a, uint64_t b = 0) {
    hash_ = HashAfter(hash_, happening, entity, a, b);
    ++notes_;
    if (recorder_ != nullptr) [[unlikely]] {
      recorder_->Record(notes_, now_, happening, entity, a, b, hash_);
    }
  }

  // What an entry makes of the hash before it; HashAtStart is the hash of nothing yet.
  static uint64_t HashAfter(uint64_t hash, Happening happening, uint64_t entity, uint64_t a,
                            uint64_t b) {
    hash = Fold(hash, static_cast<uint64_t>(happening) ^ entity);
    return Fold(Fold(hash, a), b);
  }
  static uint64_t HashAtStart(uint64_t seed) { return HashWords(seed); }

  uint64_t hash() const { return hash_; }
  uint64_t events() const { return events_; }  // Dispatched so far.
  uint64_t notes() const { return notes_; }    // Entered into the hash so far.

  Recorder* recorder() const { return recorder_; }
  // nullptr switches it off. REQUIRES: `recorder` outlives its use.
  void set_recorder(Recorder* recorder) { recorder_ = recorder; }

  // Dispatches the next event and the turn that follows on its loop. False when there is none.
  bool Step();

  // Lets time pass to `time`, unless it is later already. REQUIRES: no event is due before.
  void AdvanceTo(Time time);

  // When the next event is; kNever when there is none.
  Time NextDue() const { return heap_.empty() ? kNever : heap_.TopDue(); }
  // Whose it is: the key of its Loop. REQUIRES: pending() > 0.
  uint64_t NextKey() const;
  size_t pending() const { return heap_.size(); }

 private:
  friend class Loop;

  // For an event that goes in order of insertion: in the middle of those that are drawn, so that a
  // drawn one may go before or after it.
  uint64_t NextTie() { return (uint64_t{1} << 63) + ++ties_; }

  static uint64_t Fold(uint64_t h, uint64_t word) {
    h = (h ^ word) * 0x9fb21c651e98df25u;
    return h ^ (h >> 32);
  }

  const uint64_t seed_;
  const uint64_t draw_seed_;
  Time now_{};
  uint64_t hash_;
  uint64_t events_ = 0;
  uint64_t notes_ = 0;
  uint64_t ties_ = 0;
  Recorder* recorder_ = nullptr;
  TimerHeap heap_;
};

}  // namespace orrery::sim
