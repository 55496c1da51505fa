// TaskGroup: owns running tasks. Nothing runs detached: every task belongs to a group, and ends at
// the latest when its group does.
//
// - Spawn posts the task; it starts from the loop's top, never inside Spawn.
// - A member that returns an error gives it to the group's error sink, once, at the loop's top,
//   in the context of that member. The sink may call CancelSoon, and may not destroy the group.
// - Destroying the group destroys its members where they are suspended, last spawned first.
//   REQUIRES for ~TaskGroup and Cancel: no member of the group is running. A task never destroys a
//   group that it is in, directly or above; it calls CancelSoon.
// - A group is the last member of its owner, so that its tasks die before what they use.
#pragma once

#include <coroutine>
#include <cstddef>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "core/async/future.h"
#include "core/async/task.h"
#include "core/base/status.h"

namespace orrery {

class TaskGroup {
 public:
  // Called with the name of the member that failed.
  using ErrorSink = absl::AnyInvocable<void(std::string_view task, absl::Status)>;

  TaskGroup(Executor& executor, ErrorSink on_error);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  class Member;  // A member's hooks: task_group.cc, and tools/gdb.

  // Starts `task` from the loop's top. `name` is a literal. On a closing group the task is
  // destroyed at once, unstarted, and the result is nullptr. Otherwise it is valid for CancelMember
  // until the body of the task has returned; most callers have no use for it.
  Member* Spawn(const char* name, Task<absl::Status> task, Priority priority = Priority::kDefault);

  // The same for a task whose result is wanted: the Future gets it, or broken_promise when the
  // group dies first. Its errors go to the Future, not to the sink.
  template <class T>
  Future<T> Start(const char* name, Task<T> task, Priority priority = Priority::kDefault) {
    Promise<T> promise;
    Future<T> future = promise.future();
    Spawn(name, Forward(std::move(promise), std::move(task)), priority);
    return future;
  }

  // Destroys all members now and closes the group. REQUIRES: no member is running.
  void Cancel();

  // Does so from the loop's top, soon. Legal from inside a member. The group is closing at once.
  void CancelSoon();

  // Destroys one member now, where it is suspended; its name and result go nowhere. REQUIRES: the
  // member is of this group, is not running, and its body has not returned.
  void CancelMember(Member& member);

  // Waits until no member is left, be it that the group dies. Not from inside a member.
  // Cancel-safe; one waiter at a time.
  Task<> Join();

  size_t size() const { return size_; }
  bool closing() const { return closing_; }
  Executor& executor() const { return executor_; }

 private:
  struct Root;
  struct DebuggerLayout;
  class Joiner;
  struct CancelNode : ReadyNode {
    explicit CancelNode(TaskGroup& owner) : group(owner) {
      run = [](ReadyNode* node) { static_cast<CancelNode*>(node)->group.DestroyMembers(); };
    }
    TaskGroup& group;
  };

  template <class T>
  static Task<absl::Status> Forward(Promise<T> promise, Task<T> task) {
    promise.Set(co_await std::move(task));
    co_return absl::OkStatus();
  }

  void DestroyMembers();
  void Unlink(Member& member);

  Executor& executor_;
  ErrorSink on_error_;
  Member* last_ = nullptr;  // Newest member; each links to the one spawned before it.
  size_t size_ = 0;
  bool closing_ = false;
  Joiner* joiner_ = nullptr;
  CancelNode cancel_;  // Queued by CancelSoon.
};

}  // namespace orrery
