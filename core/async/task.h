// Task<T>: a lazy coroutine that returns one T.
//
// - It does nothing until it is awaited; awaiting starts it by symmetric transfer, in the context
//   of whoever awaits. It can be awaited once: co_await F() or co_await std::move(task).
// - The Task owns the frame. Destroying a Task cancels it: the frames below it are destroyed where
//   they are suspended, innermost first, and their awaiters deregister themselves. There is no
//   cancellation exception. REQUIRES for ~Task: it is not running.
// - No exception leaves a Task; one that tries terminates the process. What can fail returns
//   Task<absl::Status> or Task<absl::StatusOr<X>>.
// - Concurrency is TaskGroup, WhenAll and WhenAny. To run a task from plain code: TaskGroup::Spawn.
//
// T is movable without exceptions, or void. Parameters of coroutines are passed by value. No await
// inside braces after an element with a destructor, as in F({.key = key, .n = co_await N()}): clang
// before 18 forgets that element when the task is destroyed there. Await into a local first.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/async/executor.h"
#include "core/async/frame_pool.h"

namespace orrery {

// What every coroutine of the system carries, whatever it returns.
class PromiseBase {
 public:
  static void* operator new(size_t bytes) { return FramePool::Allocate(bytes); }
  static void operator delete(void* memory, size_t bytes) { FramePool::Free(memory, bytes); }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

  TaskContext* context = nullptr;        // Copied from the awaiter when awaited.
  std::coroutine_handle<> continuation;  // Who resumes when this one returns.
};

namespace task_internal {

struct ResumeContinuation {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
    return finished.promise().continuation;
  }
  void await_resume() const noexcept {}
};

template <class T>
class TaskPromise : public PromiseBase {
  static_assert(std::is_nothrow_move_constructible_v<T>);

 public:
  ResumeContinuation final_suspend() const noexcept { return {}; }
  template <class U = T>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T Take() noexcept { return *std::move(value_); }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> : public PromiseBase {
 public:
  ResumeContinuation final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  void Take() const noexcept {}
};

}  // namespace task_internal

template <class T = void>
class [[nodiscard]] Task {
 public:
  using value_type = T;

  class promise_type : public task_internal::TaskPromise<T> {
   public:
    Task get_return_object() noexcept {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
  };

  Task() = default;  // Holds nothing; not to be awaited.
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      Reset();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~Task() { Reset(); }

  // True unless default-constructed or moved from.
  explicit operator bool() const { return frame_ != nullptr; }

  class Awaiter {
   public:
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
      frame_.promise().context = awaiting.promise().context;
      frame_.promise().continuation = awaiting;
      return frame_;
    }
    T await_resume() noexcept { return frame_.promise().Take(); }

   private:
    friend class Task;
    explicit Awaiter(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
    std::coroutine_handle<promise_type> frame_;
  };
  Awaiter operator co_await() && noexcept { return Awaiter(frame_); }

 private:
  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

  void Reset() {
    if (frame_ != nullptr) std::exchange(frame_, nullptr).destroy();
  }

  std::coroutine_handle<promise_type> frame_ = nullptr;
};

}  // namespace orrery
