// Early return of errors, in plain functions and in coroutines, and the status that a Future gets
// when its Promise is dropped unset.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/error_codes.h"

#define ORRERY_CONCAT_INNER(a, b) a##b
#define ORRERY_CONCAT(a, b) ORRERY_CONCAT_INNER(a, b)

// RETURN_IF_ERROR(expr): returns the Status of `expr` from the function when it is an error.
#define RETURN_IF_ERROR(...)                                                              \
  do {                                                                                    \
    if (::absl::Status orrery_status = (__VA_ARGS__); !orrery_status.ok()) [[unlikely]] { \
      return orrery_status;                                                               \
    }                                                                                     \
  } while (false)

// CO_RETURN_IF_ERROR(co_await f()): the same inside a coroutine.
#define CO_RETURN_IF_ERROR(...)                                                           \
  do {                                                                                    \
    if (::absl::Status orrery_status = (__VA_ARGS__); !orrery_status.ok()) [[unlikely]] { \
      co_return orrery_status;                                                            \
    }                                                                                     \
  } while (false)

// ASSIGN_OR_RETURN(auto x, expr): `expr` is a StatusOr; its value goes to `x`, its error returns.
#define ASSIGN_OR_RETURN(lhs, ...) \
  ORRERY_ASSIGN_OR(return, ORRERY_CONCAT(orrery_result_, __LINE__), lhs, __VA_ARGS__)

// CO_ASSIGN_OR_RETURN(auto x, co_await f()): the same inside a coroutine.
#define CO_ASSIGN_OR_RETURN(lhs, ...) \
  ORRERY_ASSIGN_OR(co_return, ORRERY_CONCAT(orrery_result_, __LINE__), lhs, __VA_ARGS__)

#define ORRERY_ASSIGN_OR(give_back, result, lhs, ...) \
  auto result = (__VA_ARGS__);                        \
  if (!result.ok()) [[unlikely]] {                    \
    give_back std::move(result).status();             \
  }                                                   \
  lhs = *std::move(result)

namespace orrery {

template <class T>
struct OnBrokenPromise;  // Declared in core/async/future.h too.

template <>
struct OnBrokenPromise<absl::Status> {
  static absl::Status Make() { return Error(ErrorCode::broken_promise); }
};

template <class T>
struct OnBrokenPromise<absl::StatusOr<T>> {
  static absl::StatusOr<T> Make() { return Error(ErrorCode::broken_promise); }
};

}  // namespace orrery
