// co_await TurnEnd(): goes on when the current turn has no ready node left, so that what others do
// in this turn can be gathered. Cancel-safe.
#pragma once

#include <coroutine>

#include "core/async/executor.h"

namespace orrery {

class [[nodiscard]] TurnEnd : public Waiter {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    Suspend(awaiting);
    context->executor->AtTurnEnd(*this);
  }
  void await_resume() const noexcept {}
};

}  // namespace orrery
