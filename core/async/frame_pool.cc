// The free lists of FramePool: the one thread-local of the runtime.
#include "core/async/frame_pool.h"

namespace orrery {

#if ORRERY_FRAME_POOL
thread_local constinit FramePool::Lists FramePool::lists_;

FramePool::Lists::~Lists() {
  for (Free_*& list : head) {
    while (list != nullptr) {
      Free_* const next = list->next;
      ::operator delete(list);
      list = next;
    }
  }
}
#endif

}  // namespace orrery
