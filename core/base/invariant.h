// INVARIANT(x): a property that is proven to hold. Always on. When it does not hold, the process
// prints the expression, the place, the values and a back trace to standard error and aborts: going
// on could lose data. User input never reaches an invariant; it gets a Status.
//
//   INVARIANT(begin <= end);
//   INVARIANT(begin <= end, begin, end);     // integers, pointers and strings, printed by name
//
// A file compiled with ORRERY_NO_ASSERTIONS has none, neither this nor EXPECT_RARE: conditions are
// still compiled and never evaluated. That is for planted bugs (tests/mutants), to know whether a
// test would see the harm where no assertion tells of the cause; nothing else is built so.
//
//   bazel build --per_file_copt=storage/log/log_state\.cc@-DORRERY_NO_ASSERTIONS ...
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace orrery {

namespace invariant_internal {

inline void Append(std::string& out, std::string_view value) { out.append(value); }

template <class T>
  requires std::integral<T> || std::is_enum_v<T>
void Append(std::string& out, T value) {
  if constexpr (std::is_enum_v<T>) {
    out += std::to_string(static_cast<std::underlying_type_t<T>>(value));
  } else {
    out += std::to_string(value);
  }
}

template <class... T>
std::string Show(const T&... values) {
  std::string out;
  ((Append(out, values), out += ", "), ...);
  if (!out.empty()) out.resize(out.size() - 2);
  return out;
}

[[noreturn, gnu::cold]] void Fail(const char* file, int line, const char* expression,
                                  const char* names, const std::string& values);

}  // namespace invariant_internal

// Writes a back trace of the calling thread to standard error. Safe in a signal handler.
void PrintBacktrace();

}  // namespace orrery

#ifdef ORRERY_NO_ASSERTIONS
#define ORRERY_ASSERTIONS false
#else
#define ORRERY_ASSERTIONS true
#endif

#define INVARIANT(condition, ...)                                                          \
  do {                                                                                     \
    if (ORRERY_ASSERTIONS && !(condition)) [[unlikely]] {                                  \
      ::orrery::invariant_internal::Fail(__FILE__, __LINE__, #condition, #__VA_ARGS__,     \
                                         ::orrery::invariant_internal::Show(__VA_ARGS__)); \
    }                                                                                      \
  } while (false)
