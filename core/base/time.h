// Time as the whole system sees it: signed 64-bit nanoseconds, monotonic, from a process's own
// clock. There is no conversion to wall time here: wall time is for output only
// (Clock::WallMicros).
#pragma once

#include <chrono>
#include <cstdint>

namespace orrery {

struct TimeTag {};

// A span of monotonic time.
using Duration = std::chrono::nanoseconds;

// A point of monotonic time. The origin is the clock's own; points of different clocks do not
// compare.
using Time = std::chrono::time_point<TimeTag, Duration>;

constexpr Duration Nanoseconds(int64_t n) { return Duration(n); }
constexpr Duration Microseconds(int64_t n) { return Duration(n * 1'000); }
constexpr Duration Milliseconds(int64_t n) { return Duration(n * 1'000'000); }
constexpr Duration Seconds(int64_t n) { return Duration(n * 1'000'000'000); }

constexpr int64_t ToNanoseconds(Duration d) { return d.count(); }
constexpr int64_t ToMilliseconds(Duration d) { return d.count() / 1'000'000; }
constexpr int64_t ToNanoseconds(Time t) { return t.time_since_epoch().count(); }

constexpr Time TimeFromNanoseconds(int64_t n) { return Time(Duration(n)); }

// Later than any moment a process will see.
inline constexpr Time kNever = Time::max();

// The moment `d` after `start`; kNever when that lies beyond what a Time holds. For spans that come
// from outside: a caller's "wait for ever" must not wrap around. REQUIRES: start >= the origin.
constexpr Time After(Time start, Duration d) { return d > kNever - start ? kNever : start + d; }

}  // namespace orrery
