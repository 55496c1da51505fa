// EXPECT_RARE: a property that is believed to hold, where the program can go on when it does not.
//
//   EXPECT_RARE(env, reply.version >= asked, "a storage server answered from the past");
//
// When it does not hold, one Error event "ExpectationFailed" says what, with the expression and the
// place. In production the process survives; in a simulation an Error event fails the run. What
// must never be survived is an INVARIANT, whose header tells how a file has neither; what an
// injected fault can cause is neither.
#pragma once

#include <string_view>

#include "core/base/invariant.h"
#include "core/observe/trace.h"

namespace orrery::observe_internal {

[[gnu::cold]] void ExpectationFailed(Trace& trace, std::string_view what, const char* expression,
                                     const char* file, int line);

}  // namespace orrery::observe_internal

// `what` is a string for people; it is evaluated only on failure.
#define EXPECT_RARE(env, condition, what)                                                      \
  do {                                                                                         \
    if (ORRERY_ASSERTIONS && !(condition)) [[unlikely]] {                                      \
      ::orrery::observe_internal::ExpectationFailed((env).trace(), what, #condition, __FILE__, \
                                                    __LINE__);                                 \
    }                                                                                          \
  } while (false)
