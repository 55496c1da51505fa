// The failing end of INVARIANT.
#include "core/base/invariant.h"

#include <execinfo.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace orrery {

void PrintBacktrace() {
  void* frames[64];
  const int count = backtrace(frames, 64);
  backtrace_symbols_fd(frames, count, STDERR_FILENO);
}

namespace invariant_internal {

void Fail(const char* file, int line, const char* expression, const char* names,
          const std::string& values) {
  std::fprintf(stderr, "INVARIANT failed: %s at %s:%d", expression, file, line);
  if (*names != '\0') std::fprintf(stderr, " with (%s) = (%s)", names, values.c_str());
  std::fputc('\n', stderr);
  PrintBacktrace();
  std::abort();
}

}  // namespace invariant_internal
}  // namespace orrery
