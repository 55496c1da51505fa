// The failing end of EXPECT_RARE.
#include "core/observe/expect_rare.h"

namespace orrery::observe_internal {

void ExpectationFailed(Trace& trace, std::string_view what, const char* expression,
                       const char* file, int line) {
  if (auto e = trace.Error("ExpectationFailed")) {
    e.Add("what", what).Add("expression", expression).Add("file", file).Add("line", line);
  }
}

}  // namespace orrery::observe_internal
