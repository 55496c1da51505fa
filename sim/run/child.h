// Child: a process forked from this one or executed afresh, with pipes for what it says and a
// watchdog for when it stands still. One thread watches any number of them: nothing here blocks but
// AwaitChildren.
//
// REQUIRES: the calling process has one thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"

namespace orrery::sim {

// How far a run is: written by its process after every event, read by its parent.
struct Progress {
  std::atomic<int64_t> time_ns;  // Simulated.
  std::atomic<uint64_t> events;
  std::atomic<uint64_t> notes;
  std::atomic<uint64_t> hash;
  std::atomic<uint64_t> entries;  // Of the hash, also of an event that did not end; if recorded.
  // The first event at `time_ns` left these: how far a run that stands still has come is the same
  // each time, where it was ended is not.
  std::atomic<uint64_t> moment_events;
  std::atomic<uint64_t> moment_notes;
  std::atomic<uint64_t> moment_hash;
};

struct ChildLimits {
  Duration hang_cpu_max;     // Processor time without progress of simulated time. 0: no limit.
  int64_t memory_bytes_max;  // Of data; not limited under a sanitizer.
};

struct ChildEnd {
  enum class How { kNotStarted, kFinished, kExited, kSignalled, kHung };
  How how = How::kFinished;     // kFinished: exit code 0. kNotStarted: `diagnosis` says why.
  int code = 0;                 // Exit code or signal.
  bool events_went_on = false;  // While it hung.
  std::string results;          // What it wrote to its result descriptor.
  std::string diagnosis;        // Its standard error and output, the first 64 KiB.
  Duration cpu{};               // Of the child and of the children it waited for.
};

// What is executed: this program. Descriptors of SharedMemory stay open in it, and
// `kResultDescriptor` is its result descriptor.
struct Execution {
  std::vector<std::string> arguments;    // After the program's name.
  std::vector<std::string> environment;  // "NAME=VALUE", besides what there is.
  bool fixed_addresses = false;          // Without address randomisation, if allowed.
};
inline constexpr int kResultDescriptor = 100;

class Child {
 public:
  // Both: platform_error when the machine has no room for another process; nothing was begun then.
  // `progress` outlives the child. The child has a process group of its own, so that Ctrl-C is the
  // parent's alone, and dies with the parent.

  // Runs `body`, which writes to the descriptor it is given.
  static absl::StatusOr<std::unique_ptr<Child>> Fork(const std::function<void(int result)>& body,
                                                     const Progress& progress,
                                                     const ChildLimits& limits);
  static absl::StatusOr<std::unique_ptr<Child>> Execute(const Execution& execution,
                                                        const Progress& progress,
                                                        const ChildLimits& limits);

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();  // Kills it when it still runs, and waits for it.

  // Takes what it has said, and ends it when it stands still. True once it has ended.
  bool Step();

  // REQUIRES: Step gave true.
  ChildEnd TakeEnd();

 private:
  friend bool AwaitChildren(std::span<Child* const> children, Duration patience);

  // Ends of a pipe; those left open are closed.
  struct Pipe {
    ~Pipe();
    absl::Status Open();
    void Close(int end);
    int ends[2] = {-1, -1};
  };

  // Watches for standing still.
  struct Watchdog {
    int64_t time_ns = 0;  // Simulated, and since when in real and in processor time.
    Duration since{};
    Duration cpu{};
    uint64_t events = 0;  // And since when in processor time.
    Duration events_cpu{};
    Duration computed_cpu{};  // Processor time, and when it was last seen to grow.
    Duration computed{};
    Duration told{};  // When it was told to end.
    bool hung = false;
    bool events_went_on = false;
  };

  Child(const Progress& progress, const ChildLimits& limits)
      : progress_(progress), limits_(limits) {}

  absl::Status OpenPipes();
  // In the child, before anything else.
  void PrepareInside(pid_t parent);
  // In the parent, after fork.
  absl::Status Begun(pid_t child);
  void Watch();
  bool Reap(bool wait);

  const Progress& progress_;
  const ChildLimits limits_;
  Pipe results_;
  Pipe diagnosis_;
  bool executed_ = false;
  pid_t pid_ = -1;  // -1: has ended.
  Watchdog watchdog_;
  ChildEnd end_;
};

// Waits until one of them has something to say or has ended, at most `patience`, and never long
// enough for a watchdog to oversleep. False when a signal came.
bool AwaitChildren(std::span<Child* const> children, Duration patience);

// From now on a deadly signal of this process prints a back trace first. Fork does so; what is
// executed calls it itself.
void TraceDeadlySignals();

}  // namespace orrery::sim
