// Branch and Junction: the plumbing of WhenAll, WhenAny and Timeout. Not for use outside
// core/async.
//
// A Junction is the awaiter of a coroutine that waits for several branches at once; a Branch is the
// outermost frame of one of them. Branches run in the context of the awaiting task. A branch that
// ends never resumes the parent: it posts the Junction, and the parent destroys the branches.
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/async/task.h"

namespace orrery::branch_internal {

class Junction : public Waiter {
 public:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  // Resumes the parent once `needed` branches have finished.
  explicit Junction(size_t needed) : needed_(needed) {}

  bool settled() const { return needed_ == 0; }
  size_t first_finished() const { return first_finished_; }

  // For the parent's await_suspend: runs `start`, which starts branches while !settled(). Gives
  // await_suspend's answer: true to stay suspended.
  template <class Promise, class Start>
  bool SuspendAndStart(std::coroutine_handle<Promise> awaiting, Start start) noexcept {
    Suspend(awaiting);
    starting_ = true;
    start();
    starting_ = false;
    return !settled();
  }

  void Finished(size_t branch) noexcept {
    context->leaf = handle.address();  // The frames below the branch are gone.
    if (first_finished_ == kNone) first_finished_ = branch;
    if (settled() || --needed_ != 0) return;
    if (!starting_) Wake();
  }

  // Resumes the parent whatever the branches do.
  void Settle() noexcept {
    if (settled()) return;
    needed_ = 0;
    Wake();
  }

 private:
  size_t needed_;
  size_t first_finished_ = kNone;
  bool starting_ = false;
};

// What co_await std::declval<A>() gives, and the same with void as std::monostate.
template <class A>
using RawResult = decltype(std::declval<A>().operator co_await().await_resume());
template <class A>
using Result = std::conditional_t<std::is_void_v<RawResult<A>>, std::monostate, RawResult<A>>;

template <class R>
class Branch {
 public:
  class promise_type : public PromiseBase {
   public:
    Branch get_return_object() noexcept {
      return Branch(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    void return_value(R value) noexcept { result.emplace(std::move(value)); }
    auto final_suspend() const noexcept {
      struct Finish {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<promise_type> done) const noexcept {
          done.promise().junction->Finished(done.promise().index);
        }
        void await_resume() const noexcept {}
      };
      return Finish{};
    }

    Junction* junction = nullptr;
    size_t index = 0;
    std::optional<R> result;
  };

  template <class A>
  static Branch Run(A awaitable) {
    if constexpr (std::is_void_v<RawResult<A>>) {
      co_await std::move(awaitable);
      co_return std::monostate{};
    } else {
      co_return co_await std::move(awaitable);
    }
  }

  Branch(Branch&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Branch& operator=(Branch&&) = delete;
  ~Branch() { Destroy(); }

  void Start(Junction& junction, size_t index) noexcept {
    promise_type& promise = frame_.promise();
    promise.context = junction.context;
    promise.continuation = junction.handle;
    promise.junction = &junction;
    promise.index = index;
    frame_.resume();
  }

  bool finished() const { return frame_.promise().result.has_value(); }

  // REQUIRES: finished().
  R Take() noexcept { return *std::move(frame_.promise().result); }

  // Destroys the frames, wherever they are suspended.
  void Destroy() noexcept {
    if (frame_ != nullptr) std::exchange(frame_, nullptr).destroy();
  }

 private:
  explicit Branch(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

}  // namespace orrery::branch_internal
