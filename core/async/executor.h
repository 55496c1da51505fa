// The loop as coroutines see it: nodes that are ready to run, and the executor that holds them.
//
// Rules every awaiter keeps:
// - What waits is a ReadyNode inside the awaiter, never a bare coroutine handle. Destroying a
//   suspended coroutine destroys its awaiter, whose destructor takes the node out of every queue it
//   is in. Nothing is left behind that could resume a dead frame.
// - A waker never resumes: it posts. Only the loop's top dispatches, so that no code runs beneath a
//   resumed coroutine.
//
// Threads: everything here belongs to the one thread of its loop.
#pragma once

#include <coroutine>
#include <cstdint>

namespace orrery {

class Executor;
class TaskGroup;

// A hint: higher first, in order of arrival within one priority. A simulated world may ignore it.
enum class Priority : uint8_t { kHigh = 0, kDefault = 1, kLow = 2 };
inline constexpr int kPriorityCount = 3;

// Who a coroutine runs for. Every coroutine that a task awaits shares the task's context.
struct TaskContext {
  Executor* executor = nullptr;
  TaskGroup* group = nullptr;  // The group that owns the task.
  const char* name = "";       // Literal given to Spawn.
  uint64_t task_id = 0;        // Unique within the group's executor, in order of spawning.
  Priority priority = Priority::kDefault;
  void* leaf = nullptr;  // Frame that suspended last, for debuggers: see tools/gdb.
};

// Something that can be made ready once at a time. Embedded in awaiters; never copied or moved
// while queued.
class ReadyNode {
 public:
  ReadyNode() = default;
  ReadyNode(const ReadyNode&) = delete;
  ReadyNode& operator=(const ReadyNode&) = delete;
  inline ~ReadyNode();  // Leaves the queue if it is in one: O(1).

  bool queued() const { return queue != nullptr; }

  void (*run)(ReadyNode*) = nullptr;  // Called by the loop's top, after the node left the queue.
  Executor* queue = nullptr;          // Where it is queued; owned by that executor.
  TaskContext* context = nullptr;     // Whom it runs for; nullptr for nodes that are not tasks.
  uint32_t slot = 0;                  // Its place in the queue; owned by that executor.
  Priority priority = Priority::kDefault;
};

class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Makes `node` ready: it runs from the loop's top, never inside Post. O(1), allocation amortised.
  // REQUIRES: !node.queued(), and node.run is set.
  virtual void Post(ReadyNode& node) noexcept = 0;

  // Takes a queued node out. O(1). REQUIRES: node.queue == this.
  virtual void Remove(ReadyNode& node) noexcept = 0;

  // Runs `node` once, when the current turn has no ready node left: where output that was gathered
  // during the turn leaves. Same rules as Post.
  virtual void AtTurnEnd(ReadyNode& node) noexcept = 0;

  // For whoever dispatches (the loop, and timers and I/O completions at the loop's top): runs a
  // node that is in no queue.
  void Dispatch(ReadyNode& node) {
    running_ = node.context;
    node.run(&node);
    running_ = nullptr;
  }

  // The task being run right now, or nullptr between dispatches.
  const TaskContext* running() const { return running_; }

  // A number for a new task, in order of asking.
  uint64_t NextTaskId() { return ++last_task_id_; }

 protected:
  ~Executor() = default;

 private:
  TaskContext* running_ = nullptr;
  uint64_t last_task_id_ = 0;
};

inline ReadyNode::~ReadyNode() {
  if (queue != nullptr) queue->Remove(*this);
}

// A ReadyNode that resumes a suspended coroutine: the base of most awaiters.
class Waiter : public ReadyNode {
 public:
  Waiter() { run = &Resume; }

  // For await_suspend: remembers the coroutine and whom it runs for.
  template <class Promise>
  void Suspend(std::coroutine_handle<Promise> coroutine) noexcept {
    handle = coroutine;
    context = coroutine.promise().context;
    priority = context->priority;
    context->leaf = coroutine.address();
  }

  // Posts the coroutine to its loop. REQUIRES: suspended and not woken yet.
  void Wake() noexcept { context->executor->Post(*this); }

  std::coroutine_handle<> handle;

 private:
  static void Resume(ReadyNode* node) { static_cast<Waiter*>(node)->handle.resume(); }
};

}  // namespace orrery
