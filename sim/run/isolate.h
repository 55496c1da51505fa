// Isolation: a run in a process of its own, forked from this one or executed afresh, and watched.
// Whatever becomes of it (signal, failed INVARIANT, memory without end, standing still) is its own
// end, told here; the parent goes on.
//
// REQUIRES: the calling process has one thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
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
};

// Memory that two processes share, by a descriptor that survives fork and exec. It reads as zeros
// at first and takes room only where it is written.
class SharedMemory {
 public:
  explicit SharedMemory(size_t bytes);         // New.
  SharedMemory(int descriptor, size_t bytes);  // Of a parent.
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();

  void* data() const { return data_; }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  size_t bytes_;
  void* data_;
};

struct ChildLimits {
  Duration hang_cpu_max;     // Processor time without progress of simulated time.
  int64_t memory_bytes_max;  // Of data; not limited under a sanitizer.
};

struct ChildEnd {
  enum class How { kFinished, kExited, kSignalled, kHung };
  How how = How::kFinished;  // kFinished: exit code 0.
  int code = 0;              // Exit code or signal.
  std::string results;       // What it wrote to its result descriptor.
  std::string diagnosis;     // Its standard error and output, the first 64 KiB.
  Duration cpu{};
};

// Runs `body`, which writes to the descriptor it is given, in a forked child.
ChildEnd RunForked(const std::function<void(int result)>& body, Progress& progress,
                   const ChildLimits& limits);

// Executes this program afresh. Descriptors of SharedMemory stay open in it, and
// `kResultDescriptor` is its result descriptor.
struct Execution {
  std::vector<std::string> arguments;    // After the program's name.
  std::vector<std::string> environment;  // "NAME=VALUE", besides what there is.
  bool fixed_addresses = false;          // Without address randomisation, if allowed.
};
inline constexpr int kResultDescriptor = 100;
ChildEnd RunExecuted(const Execution& execution, Progress& progress, const ChildLimits& limits);

// From now on a deadly signal of this process prints a back trace first. RunForked does so; what
// is executed calls it itself.
void TraceDeadlySignals();

// Writes a result as the parent expects it: the last complete one counts.
void WriteResult(int descriptor, const std::string& bytes);
// The last complete result of ChildEnd::results; empty when there is none.
std::string LastResult(const std::string& results);

}  // namespace orrery::sim
