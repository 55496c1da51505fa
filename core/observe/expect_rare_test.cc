// Goal: a rare expectation that fails tells of itself once and lets the program go on. Method: a
// sink that keeps records.
#include "core/observe/expect_rare.h"

#include <gtest/gtest.h>

#include "core/async/manual_loop.h"

namespace orrery {
namespace {

struct KeepingSink : TraceSink {
  void Emit(const TraceRecord& record) override { records.push_back(record); }
  std::vector<TraceRecord> records;
};

struct TracedEnv {
  Trace& trace() { return trace_; }
  ManualLoop loop;
  KeepingSink sink;
  Trace trace_{loop, sink, TraceLevel::kInfo};
};

TEST(ExpectRareTest, TracesAnErrorAndGoesOn) {
  TracedEnv env;
  int evaluated = 0;
  const auto what = [&] {
    ++evaluated;
    return std::string("an answer from the past");
  };
  const int version = 3;
  EXPECT_RARE(env, version >= 3, what());
  EXPECT_TRUE(env.sink.records.empty());
  EXPECT_EQ(evaluated, 0);

  env.loop.RunFor(Seconds(2));
  const int line = __LINE__ + 1;
  EXPECT_RARE(env, version >= 4, what());
  ASSERT_EQ(env.sink.records.size(), 1u);
  const TraceRecord& record = env.sink.records[0];
  EXPECT_EQ(record.level, TraceLevel::kError);
  EXPECT_STREQ(record.type, "ExpectationFailed");
  EXPECT_FALSE(record.injected);
  EXPECT_EQ(record.time, TimeFromNanoseconds(2'000'000'000));
  EXPECT_EQ(record.wall_micros, 2'000'000);
  ASSERT_EQ(record.fields.size(), 4u);
  EXPECT_EQ(std::get<std::string>(record.fields[0].value), "an answer from the past");
  EXPECT_EQ(std::get<std::string>(record.fields[1].value), "version >= 4");
  EXPECT_TRUE(std::get<std::string>(record.fields[2].value).ends_with("expect_rare_test.cc"));
  EXPECT_EQ(std::get<int64_t>(record.fields[3].value), line);
}

TEST(TraceTest, WhatIsOffIsNotEvaluated) {
  TracedEnv env;
  int evaluated = 0;
  if (auto e = env.trace().Debug("Quiet")) e.Add("n", ++evaluated);
  EXPECT_EQ(evaluated, 0);
  EXPECT_TRUE(env.sink.records.empty());
  if (auto e = env.trace().Info("Loud")) e.Add("n", ++evaluated).Injected();
  ASSERT_EQ(env.sink.records.size(), 1u);
  EXPECT_TRUE(env.sink.records[0].injected);
}

}  // namespace
}  // namespace orrery
