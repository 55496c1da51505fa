// WhenAny: several Tasks or Futures at once; the result of the first to finish.
//
//   std::variant<absl::Status, std::monostate> first = co_await WhenAny(Serve(), Stopped());
//   AnyResult<absl::Status> first = co_await WhenAny(std::move(tasks));     // .index, .value
//
// - Who resumes where: the tasks are started in the order of the arguments, each up to its first
//   suspension, beneath the awaiting coroutine; once one has finished no more are started. The
//   first to finish posts the awaiting coroutine; when that happens during the start it goes on at
//   once.
// - Losers are destroyed, last argument first, by the awaiting coroutine when it runs again, before
//   it has the result. Until then they may run on, and even finish: a loser's result is lost. So
//   the tasks must be cancel-safe, or their effects harmless.
// - Cancel-safe: as its tasks are. Destroying the waiting coroutine destroys all of them.
// - Not for a deadline (Timeout, which keeps no coroutine for the timer).
#pragma once

#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "core/async/branch.h"
#include "core/base/invariant.h"

namespace orrery {

// The first to finish among a vector: its place, and its result.
template <class R>
struct AnyResult {
  size_t index;
  R value;
};

namespace branch_internal {

template <class... R>
class [[nodiscard]] AnyOf : public Junction {
 public:
  template <class... A>
  explicit AnyOf(A&&... awaitables)
      : Junction(1), branches_(Branch<R>::Run(std::move(awaitables))...) {}
  ~AnyOf() { DestroyBranches(std::index_sequence_for<R...>()); }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    return SuspendAndStart(awaiting, [this] { StartBranches(std::index_sequence_for<R...>()); });
  }
  std::variant<R...> await_resume() noexcept { return TakeFirst(std::index_sequence_for<R...>()); }

 private:
  template <size_t... I>
  void StartBranches(std::index_sequence<I...>) noexcept {
    (StartOne<I>() && ...);
  }
  template <size_t I>
  bool StartOne() noexcept {
    std::get<I>(branches_).Start(*this, I);
    return !settled();
  }
  template <size_t... I>
  std::variant<R...> TakeFirst(std::index_sequence<I...> all) noexcept {
    std::optional<std::variant<R...>> first;
    ((I == first_finished()
          ? void(first.emplace(std::in_place_index<I>, std::get<I>(branches_).Take()))
          : void()),
     ...);
    DestroyBranches(all);
    return *std::move(first);
  }
  template <size_t... I>
  void DestroyBranches(std::index_sequence<I...>) noexcept {
    (std::get<sizeof...(I) - 1 - I>(branches_).Destroy(), ...);
  }

  std::tuple<Branch<R>...> branches_;
};

template <class R>
class [[nodiscard]] AnyOfVector : public Junction {
 public:
  template <class A>
  explicit AnyOfVector(std::vector<A> awaitables) : Junction(1) {
    INVARIANT(!awaitables.empty(), "nothing would ever finish");
    branches_.reserve(awaitables.size());
    for (A& each : awaitables) branches_.push_back(Branch<R>::Run(std::move(each)));
  }
  ~AnyOfVector() { DestroyBranches(); }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    return SuspendAndStart(awaiting, [this] {
      for (size_t i = 0; i < branches_.size() && !settled(); ++i) branches_[i].Start(*this, i);
    });
  }
  AnyResult<R> await_resume() noexcept {
    AnyResult<R> first{first_finished(), branches_[first_finished()].Take()};
    DestroyBranches();
    return first;
  }

 private:
  void DestroyBranches() noexcept {
    while (!branches_.empty()) branches_.pop_back();
  }

  std::vector<Branch<R>> branches_;
};

}  // namespace branch_internal

// Each argument is a Task or a Future. The variant's index is the argument's.
template <class... A>
  requires(sizeof...(A) > 0)
branch_internal::AnyOf<branch_internal::Result<A>...> WhenAny(A... awaitables) {
  return branch_internal::AnyOf<branch_internal::Result<A>...>(std::move(awaitables)...);
}

// REQUIRES: `awaitables` is not empty.
template <class A>
branch_internal::AnyOfVector<branch_internal::Result<A>> WhenAny(std::vector<A> awaitables) {
  return branch_internal::AnyOfVector<branch_internal::Result<A>>(std::move(awaitables));
}

}  // namespace orrery
