// WhenAll: several Tasks or Futures at once; all their results.
//
//   auto [a, b] = co_await WhenAll(ReadA(), ReadB());               // std::tuple
//   std::vector<absl::Status> done = co_await WhenAll(std::move(tasks));
//
// - Who resumes where: the tasks are started in the order of the arguments, each up to its first
//   suspension, beneath the awaiting coroutine. The last one to finish posts it; when all finish
//   without suspending it goes on at once. They run in the awaiting task's context and priority.
// - An error does not end the others: look at every result. void becomes std::monostate.
// - Cancel-safe: as its tasks are. Destroying the waiting coroutine destroys the tasks, last
//   started first; results that had come are lost.
// - All frames are gone before the awaiting coroutine goes on.
// - Not for work that should outlive the caller or fail on its own (TaskGroup).
#pragma once

#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include "core/async/branch.h"

namespace orrery {

namespace branch_internal {

template <class... R>
class [[nodiscard]] AllOf : public Junction {
 public:
  template <class... A>
  explicit AllOf(A&&... awaitables)
      : Junction(sizeof...(A)), branches_(Branch<R>::Run(std::move(awaitables))...) {}
  ~AllOf() { DestroyBranches(std::index_sequence_for<R...>()); }

  bool await_ready() const noexcept { return settled(); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    return SuspendAndStart(awaiting, [this] { StartBranches(std::index_sequence_for<R...>()); });
  }
  std::tuple<R...> await_resume() noexcept { return TakeResults(std::index_sequence_for<R...>()); }

 private:
  template <size_t... I>
  void StartBranches(std::index_sequence<I...>) noexcept {
    (std::get<I>(branches_).Start(*this, I), ...);
  }
  template <size_t... I>
  std::tuple<R...> TakeResults(std::index_sequence<I...> all) noexcept {
    std::tuple<R...> results(std::get<I>(branches_).Take()...);
    DestroyBranches(all);
    return results;
  }
  template <size_t... I>
  void DestroyBranches(std::index_sequence<I...>) noexcept {
    (std::get<sizeof...(I) - 1 - I>(branches_).Destroy(), ...);
  }

  std::tuple<Branch<R>...> branches_;
};

template <class R>
class [[nodiscard]] AllOfVector : public Junction {
 public:
  template <class A>
  explicit AllOfVector(std::vector<A> awaitables) : Junction(awaitables.size()) {
    branches_.reserve(awaitables.size());
    for (A& each : awaitables) branches_.push_back(Branch<R>::Run(std::move(each)));
  }
  ~AllOfVector() { DestroyBranches(); }

  bool await_ready() const noexcept { return settled(); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    return SuspendAndStart(awaiting, [this] {
      for (size_t i = 0; i < branches_.size(); ++i) branches_[i].Start(*this, i);
    });
  }
  std::vector<R> await_resume() noexcept {
    std::vector<R> results;
    results.reserve(branches_.size());
    for (Branch<R>& each : branches_) results.push_back(each.Take());
    DestroyBranches();
    return results;
  }

 private:
  void DestroyBranches() noexcept {
    while (!branches_.empty()) branches_.pop_back();
  }

  std::vector<Branch<R>> branches_;
};

}  // namespace branch_internal

// Each argument is a Task or a Future.
template <class... A>
branch_internal::AllOf<branch_internal::Result<A>...> WhenAll(A... awaitables) {
  return branch_internal::AllOf<branch_internal::Result<A>...>(std::move(awaitables)...);
}

// Results in the order of the vector; an empty one gives an empty one at once.
template <class A>
branch_internal::AllOfVector<branch_internal::Result<A>> WhenAll(std::vector<A> awaitables) {
  return branch_internal::AllOfVector<branch_internal::Result<A>>(std::move(awaitables));
}

}  // namespace orrery
