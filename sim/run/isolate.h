// Isolation: a run in a process of its own, forked from this one or executed afresh, and watched.
// Whatever becomes of it (signal, failed INVARIANT, memory without end, standing still) is its own
// end, told here; the parent goes on.
//
// REQUIRES: the calling process has one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "sim/run/child.h"

namespace orrery::sim {

// Memory that two processes share, by a descriptor that survives fork and exec. It reads as zeros
// at first and takes room only where it is written.
class SharedMemory {
 public:
  // New. platform_error when the machine has no room for it.
  static absl::StatusOr<std::unique_ptr<SharedMemory>> Make(size_t bytes);
  // New. REQUIRES: there is room.
  explicit SharedMemory(size_t bytes);
  // Of a parent. REQUIRES: the descriptor is of memory of so many bytes.
  SharedMemory(int descriptor, size_t bytes);
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

// A child from its beginning to its end. Blocks.
ChildEnd RunForked(const std::function<void(int result)>& body, const Progress& progress,
                   const ChildLimits& limits);
ChildEnd RunExecuted(const Execution& execution, const Progress& progress,
                     const ChildLimits& limits);

// Writes a result as the parent expects it: the last complete one counts.
void WriteResult(int descriptor, const std::string& bytes);
// The last complete result of ChildEnd::results; empty when there is none.
std::string LastResult(const std::string& results);

}  // namespace orrery::sim
