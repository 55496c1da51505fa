// The members of a TaskGroup: one coroutine frame each, whose promise carries the list hooks.
#include "core/async/task_group.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/base/invariant.h"

namespace orrery {

// Queued twice in its life: to start, and, when the body has returned, to be destroyed from the
// loop's top.
class TaskGroup::Member : public ReadyNode {
 public:
  void Attach(TaskGroup& group, std::coroutine_handle<> frame, const char* name,
              Priority task_priority) {
    group_ = &group;
    frame_ = frame;
    task_ = {.executor = &group.executor_,
             .group = &group,
             .name = name,
             .task_id = group.executor_.NextTaskId(),
             .priority = task_priority,
             .leaf = frame.address()};
    priority = task_priority;
    older_ = group.last_;
    if (older_ != nullptr) older_->newer_ = this;
    group.last_ = this;
    ++group.size_;
    context = &task_;
    run = [](ReadyNode* node) { static_cast<Member*>(node)->frame_.resume(); };
    group.executor_.Post(*this);
  }

  void Finished() {
    context = nullptr;
    task_.leaf = frame_.address();  // The frames below are gone.
    run = &Reap;
    group_->executor_.Post(*this);
  }

  TaskContext* task() { return &task_; }
  std::coroutine_handle<> frame() const { return frame_; }
  void set_status(absl::Status status) { status_ = std::move(status); }

 private:
  friend class TaskGroup;

  static void Reap(ReadyNode* node) {
    Member& self = *static_cast<Member*>(node);
    TaskGroup& group = *self.group_;
    const char* const name = self.task_.name;
    absl::Status status = std::move(self.status_);
    group.Unlink(self);
    self.frame_.destroy();  // And `self` with it.
    if (!status.ok()) group.on_error_(name, std::move(status));
  }

  TaskGroup* group_ = nullptr;
  Member* older_ = nullptr;
  Member* newer_ = nullptr;
  std::coroutine_handle<> frame_;
  TaskContext task_;
  absl::Status status_;
};

// The outermost coroutine of a member.
struct TaskGroup::Root {
  class promise_type : public PromiseBase {
   public:
    Root get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    void return_value(absl::Status status) noexcept { member.set_status(std::move(status)); }
    auto final_suspend() noexcept {
      struct Finish {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<promise_type> done) const noexcept {
          done.promise().member.Finished();
        }
        void await_resume() const noexcept {}
      };
      return Finish{};
    }

    Member member;
  };

  static Root Run(Task<absl::Status> task) { co_return co_await std::move(task); }

  std::coroutine_handle<promise_type> frame;
};

// Knows the group only while it waits: a group may die between the wake and the resumption.
class TaskGroup::Joiner : public Waiter {
 public:
  explicit Joiner(TaskGroup& group) : group_(&group) {}
  ~Joiner() {
    if (waits_) group_->joiner_ = nullptr;
  }
  bool await_ready() const noexcept { return group_->size_ == 0; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    INVARIANT(group_->joiner_ == nullptr, "a group has one joiner at a time");
    Suspend(awaiting);
    group_->joiner_ = this;
    waits_ = true;
  }
  void await_resume() const noexcept {}

  // The last member is gone.
  void Release() noexcept {
    waits_ = false;
    Wake();
  }

 private:
  TaskGroup* group_;
  bool waits_ = false;
};

TaskGroup::TaskGroup(Executor& executor, ErrorSink on_error)
    : executor_(executor), on_error_(std::move(on_error)), cancel_(*this) {}

TaskGroup::~TaskGroup() {
  closing_ = true;
  DestroyMembers();
}

TaskGroup::Member* TaskGroup::Spawn(const char* name, Task<absl::Status> task, Priority priority) {
  if (closing_) return nullptr;  // `task` dies here.
  Root root = Root::Run(std::move(task));
  Member& member = root.frame.promise().member;
  member.Attach(*this, root.frame, name, priority);
  root.frame.promise().context = member.task();
  return &member;
}

void TaskGroup::CancelMember(Member& member) {
  INVARIANT(executor_.running() != member.task(), "a task destroys itself", member.task_.name);
  Unlink(member);
  member.frame().destroy();
}

void TaskGroup::Cancel() {
  closing_ = true;
  DestroyMembers();
}

void TaskGroup::CancelSoon() {
  closing_ = true;
  if (!cancel_.queued()) executor_.Post(cancel_);
}

Task<> TaskGroup::Join() { co_await Joiner(*this); }

void TaskGroup::DestroyMembers() {
  while (last_ != nullptr) {
    Member& member = *last_;
    INVARIANT(executor_.running() != member.task(), "a task destroys the group it runs in",
              member.task_.name);
    Unlink(member);
    member.frame().destroy();
  }
}

void TaskGroup::Unlink(Member& member) {
  (member.newer_ != nullptr ? member.newer_->older_ : last_) = member.older_;
  if (member.older_ != nullptr) member.older_->newer_ = member.newer_;
  --size_;
  if (size_ == 0 && joiner_ != nullptr) std::exchange(joiner_, nullptr)->Release();
}

// Where tools/gdb finds things in a binary without type information, in the order it reads them.
struct TaskGroup::DebuggerLayout {
  static constexpr uint32_t kPromiseInFrame = 16;  // Behind the resume and destroy functions.
  static const uint32_t kOffsets[7];
};

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winvalid-offsetof"  // Fine without virtual bases.
[[gnu::used, gnu::retain]] const uint32_t TaskGroup::DebuggerLayout::kOffsets[7] = {
    offsetof(TaskGroup, last_),
    offsetof(Member, older_),
    offsetof(Member, task_),
    offsetof(TaskContext, name),
    offsetof(TaskContext, task_id),
    offsetof(TaskContext, leaf),
    kPromiseInFrame + offsetof(PromiseBase, continuation),
};
#pragma clang diagnostic pop

}  // namespace orrery
