// Memory of coroutine frames and future states: free lists by size class, one set per OS thread.
// It has no semantics: with AddressSanitizer every frame comes from the heap, so that the use of a
// destroyed frame is seen.
#pragma once

#include <cstddef>
#include <new>

namespace orrery {

#if defined(__SANITIZE_ADDRESS__)
#define ORRERY_FRAME_POOL 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define ORRERY_FRAME_POOL 0
#endif
#endif
#ifndef ORRERY_FRAME_POOL
#define ORRERY_FRAME_POOL 1
#endif

class FramePool {
 public:
  static void* Allocate(size_t bytes) {
#if ORRERY_FRAME_POOL
    ++lists_.live;
    const size_t size_class = (bytes + kGranule - 1) / kGranule;
    if (size_class < kClasses) {
      if (Free_* head = lists_.head[size_class]; head != nullptr) [[likely]] {
        lists_.head[size_class] = head->next;
        return head;
      }
      return ::operator new(size_class* kGranule);
    }
#endif
    return ::operator new(bytes);
  }

  // REQUIRES: `memory` came from Allocate(bytes) on this thread.
  static void Free(void* memory, [[maybe_unused]] size_t bytes) {
#if ORRERY_FRAME_POOL
    --lists_.live;
    const size_t size_class = (bytes + kGranule - 1) / kGranule;
    if (size_class < kClasses) {
      lists_.head[size_class] = ::new (memory) Free_{lists_.head[size_class]};
      return;
    }
#endif
    ::operator delete(memory);
  }

  // How many frames of this thread are allocated now: for checks that nothing was left behind. Zero
  // under a sanitizer, which finds what leaks itself.
  static size_t live() {
#if ORRERY_FRAME_POOL
    return lists_.live;
#else
    return 0;
#endif
  }

 private:
#if ORRERY_FRAME_POOL
  static constexpr size_t kGranule = 64;
  static constexpr size_t kClasses = 33;  // Up to 2 KiB.

  struct Free_ {
    Free_* next;
  };
  struct Lists {
    Free_* head[kClasses] = {};
    size_t live = 0;
    ~Lists();
  };

  static thread_local constinit Lists lists_;
#endif
};

}  // namespace orrery
