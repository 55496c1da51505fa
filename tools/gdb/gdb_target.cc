// What gdb_test stops in: a group with two tasks, one three coroutines deep in a sleep, the other
// waiting for a lock that the first holds.
#include "core/async/manual_loop.h"
#include "core/async/mutex.h"
#include "core/async/sleep.h"
#include "core/async/task_group.h"

namespace orrery {
namespace {

Task<int> Innermost(ManualLoop* loop) {
  co_await Yield();
  co_await Yield();
  co_await Sleep(*loop, Seconds(1));  // Suspension 3.
  co_return 1;
}

Task<int> Middle(ManualLoop* loop) {
  co_await Yield();
  co_return co_await Innermost(loop);  // Suspension 2.
}

Task<absl::Status> Reader(ManualLoop* loop, Mutex* mutex) {
  Mutex::Guard guard = co_await mutex->Lock();
  co_return co_await Middle(loop) == 1 ? absl::OkStatus() : Error(ErrorCode::internal_error);
}

Task<absl::Status> Writer(ManualLoop* loop, Mutex* mutex, const TaskContext** context) {
  *context = loop->running();
  Mutex::Guard guard = co_await mutex->Lock();
  co_return absl::OkStatus();
}

}  // namespace
}  // namespace orrery

// The breakpoint: the group and the writer's context are its arguments.
extern "C" [[gnu::noinline]] void OrreryGdbStop(orrery::TaskGroup* group,
                                                const orrery::TaskContext* writer) {
  asm volatile("" : : "r"(group), "r"(writer) : "memory");
}

int main() {
  orrery::ManualLoop loop;
  orrery::Mutex mutex;
  const orrery::TaskContext* writer = nullptr;
  orrery::TaskGroup group(loop, [](std::string_view, absl::Status) {});
  group.Spawn("reader", orrery::Reader(&loop, &mutex));
  group.Spawn("writer", orrery::Writer(&loop, &mutex, &writer));
  loop.RunFor(orrery::Milliseconds(1));
  OrreryGdbStop(&group, writer);
  return 0;
}
