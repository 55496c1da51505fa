// Promise<T> and Future<T>: a value handed from one task to one other, on one loop.
//
// - Promise::Set posts the waiting task; it never resumes it. A Promise dropped unset gives the
//   Future T's broken-promise error, so T is absl::Status or absl::StatusOr<X> (or any type with an
//   OnBrokenPromise<T>).
// - A Future has one consumer: co_await std::move(future) or co_await promise.future(), once.
//   Destroying a waiting Future deregisters it; the value, if it comes, is dropped.
// - Cancel-safe: a task destroyed between Set and its resumption loses the value with itself, and
//   nobody else could have had it.
#pragma once

#include <coroutine>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/async/executor.h"
#include "core/async/frame_pool.h"

namespace orrery {

template <class T>
struct OnBrokenPromise;  // static T Make(); specialised in core/base/status.h.

namespace future_internal {

template <class T>
struct State {
  static void* operator new(size_t bytes) { return FramePool::Allocate(bytes); }
  static void operator delete(void* memory, size_t bytes) { FramePool::Free(memory, bytes); }

  void Release() {
    if (--owners == 0) delete this;
  }
  void Deliver(T v) {
    value.emplace(std::move(v));
    if (waiter != nullptr) waiter->Wake();
  }

  int owners = 1;
  Waiter* waiter = nullptr;  // Suspended, not yet woken or woken once.
  std::optional<T> value;
};

}  // namespace future_internal

template <class T>
class [[nodiscard]] Future {
  using State = future_internal::State<T>;

 public:
  Future(Future&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Future& operator=(Future&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Future() {
    if (state_ != nullptr) state_->Release();
  }

  // True when awaiting it would not suspend.
  bool ready() const { return state_->value.has_value(); }

  class Awaiter : public Waiter {
   public:
    ~Awaiter() {
      state_->waiter = nullptr;
      state_->Release();
    }
    bool await_ready() const noexcept { return state_->value.has_value(); }
    template <class P>
    void await_suspend(std::coroutine_handle<P> awaiting) noexcept {
      Suspend(awaiting);
      state_->waiter = this;
    }
    T await_resume() noexcept { return *std::move(state_->value); }

   private:
    friend class Future;
    explicit Awaiter(State* state) : state_(state) {}
    State* state_;
  };
  Awaiter operator co_await() && noexcept { return Awaiter(std::exchange(state_, nullptr)); }

 private:
  template <class U>
  friend class Promise;
  explicit Future(State* state) : state_(state) {}

  State* state_;
};

template <class T>
class Promise {
  using State = future_internal::State<T>;

 public:
  Promise() : state_(new State) {}
  Promise(Promise&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)), taken_(other.taken_) {}
  Promise& operator=(Promise&& other) noexcept {
    std::swap(state_, other.state_);
    std::swap(taken_, other.taken_);
    return *this;
  }
  ~Promise() {
    if (state_ == nullptr) return;
    if (!state_->value.has_value() && taken_) state_->Deliver(OnBrokenPromise<T>::Make());
    state_->Release();
  }

  // The one Future of this Promise. REQUIRES: called once.
  Future<T> future() {
    taken_ = true;
    ++state_->owners;
    return Future<T>(state_);
  }

  bool is_set() const { return state_->value.has_value(); }

  // Gives the value and posts the waiting task. REQUIRES: !is_set().
  void Set(T value) { state_->Deliver(std::move(value)); }

 private:
  State* state_;
  bool taken_ = false;
};

}  // namespace orrery
