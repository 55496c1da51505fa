// Goal: a file compiled without assertions goes on where one would fail, and evaluates none.
// Method: defined here as the compiler's command line would; conditions that count.
#define ORRERY_NO_ASSERTIONS
#include <gtest/gtest.h>

#include "core/async/manual_loop.h"
#include "core/base/invariant.h"
#include "core/observe/expect_rare.h"

namespace orrery {
namespace {

struct CountingSink : TraceSink {
  void Emit(const TraceRecord&) override { ++records; }
  int records = 0;
};

struct QuietEnv {
  Trace& trace() { return trace_; }
  ManualLoop loop;
  CountingSink sink;
  Trace trace_{loop, sink, TraceLevel::kInfo};
};

TEST(NoAssertionsTest, NothingIsEvaluatedAndNothingFails) {
  int evaluated = 0;
  INVARIANT(++evaluated < 0, ++evaluated);
  QuietEnv env;
  EXPECT_RARE(env, ++evaluated < 0, "never told");
  EXPECT_EQ(evaluated, 0);
  EXPECT_EQ(env.sink.records, 0);
}

TEST(NoAssertionsTest, ConditionsAreCompiledAllTheSame) {
  const int only_in_an_assertion = 3;  // Would be an unused variable otherwise.
  INVARIANT(only_in_an_assertion == 4);
}

}  // namespace
}  // namespace orrery
