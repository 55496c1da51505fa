// Goal: the past of an event is what led to it and nothing else, in both senses. Method: small
// stories told by hand whose past is known, and the flow of tasks step by step.
#include "sim/report/causality.h"

#include <gtest/gtest.h>

#include "core/observe/story_events.h"
#include "sim/report/task_flow.h"
#include "sim/report/testing/told.h"

namespace orrery::sim {
namespace {

using namespace story_events;
using Causes = TaskFlow::Causes;

constexpr uint64_t kLoop = 5;

TEST(TaskFlow, AnEventFollowsTheLastOneOfItsTask) {
  TaskFlow flow;
  EXPECT_EQ(flow.Happened(kLoop, 1, 10, 1, false), Causes{});
  EXPECT_EQ(flow.Happened(kLoop, 2, 11, 2, false), Causes{});
  EXPECT_EQ(flow.Happened(kLoop, 3, 10, 3, false), Causes{1});
}

TEST(TaskFlow, AndWhateverWokeItsTask) {
  TaskFlow flow;
  flow.Happened(kLoop, 1, 10, 1, false);
  flow.Woken(kLoop, 1, 10, 11);
  flow.Happened(kLoop, 2, 10, 2, false);  // After it woke: no cause.
  flow.Woken(kLoop, 2, 11, 12);           // Through a task that told nothing.
  EXPECT_EQ(flow.Happened(kLoop, 3, 12, 3, false), Causes{1});
  EXPECT_EQ(flow.Happened(kLoop, 4, 11, 4, false), Causes{1});
  flow.Woken(kLoop, 4, 11, 12);
  EXPECT_EQ(flow.Happened(kLoop, 5, 12, 5, false), (Causes{3, 4}));
}

TEST(TaskFlow, AnArrivalFollowsNothingHere) {
  TaskFlow flow;
  flow.Happened(kLoop, 1, 10, 1, true);
  EXPECT_EQ(flow.Happened(kLoop, 2, 10, 2, true), Causes{});
  flow.Woken(kLoop, 2, 10, 11);
  EXPECT_EQ(flow.Happened(kLoop, 2, 11, 3, false), Causes{2});
}

TEST(TaskFlow, OutsideOfTasksAStepHoldsTogether) {
  TaskFlow flow;
  flow.Happened(kLoop, 7, TaskFlow::kNoTask, 1, false);
  EXPECT_EQ(flow.Happened(kLoop, 7, TaskFlow::kNoTask, 2, false), Causes{1});
  flow.Woken(kLoop, 7, TaskFlow::kNoTask, 11);
  flow.Woken(kLoop, 8, TaskFlow::kNoTask, 12);
  EXPECT_EQ(flow.Happened(kLoop, 9, 11, 3, false), Causes{2});
  EXPECT_EQ(flow.Happened(kLoop, 9, 12, 4, false), Causes{});
  EXPECT_EQ(flow.Happened(kLoop, 9, TaskFlow::kNoTask, 5, false), Causes{});
}

TEST(TaskFlow, LoopsAreApartAndAreForgotten) {
  TaskFlow flow;
  flow.Happened(kLoop, 1, 10, 1, false);
  EXPECT_EQ(flow.Happened(kLoop + 1, 1, 10, 2, false), Causes{});
  flow.Forget(kLoop);
  EXPECT_EQ(flow.Happened(kLoop, 2, 10, 3, false), Causes{});
}

TEST(TaskFlow, TheNewestCausesCount) {
  TaskFlow flow;
  for (uint64_t event = 1; event <= 20; ++event) {
    flow.Happened(kLoop, event, 100 + event, event, false);
    flow.Woken(kLoop, event, 100 + event, 10);
  }
  const Causes causes = flow.Happened(kLoop, 21, 10, 21, false);
  EXPECT_EQ(causes.size(), TaskFlow::kCausesMax);
  EXPECT_EQ(causes.back(), 20u);
}

// The ordinals of the events in the past of that of ordinal `of`.
std::vector<uint64_t> PastOf(const Story& story, uint64_t of, Past past) {
  const std::vector<bool> marks = CausalPast(story, {of - 1}, past);
  std::vector<uint64_t> ordinals;
  for (size_t i = 0; i < marks.size(); ++i) {
    if (marks[i]) ordinals.push_back(i + 1);
  }
  return ordinals;
}

TEST(CausalPast, FollowsStepsAndMessages) {
  Telling telling;
  telling.Start("c", 0, true);                                                 // 1
  telling.Start("s", 0);                                                       // 2
  telling.Tell({.ms = 1, .process = "s", .type = "Other", .fields = {}});      // 3
  telling.Tell({.ms = 2, .process = "c", .type = "Begin", .fields = {}});      // 4
  telling.Tell({.ms = 2, .process = "c", .type = "Unrelated", .fields = {}});  // 5
  const auto call = telling.TellCall("c", "s", "get", 3, {4});                 // 6 to 9
  telling.Tell(
      {.ms = 4, .process = "c", .type = "End", .fields = {}, .causes = {call.heard}});  // 10
  telling.Tell({.ms = 5, .process = "s", .type = "Later", .fields = {}});               // 11
  const Story story = BuildStory(telling.told, FailedRun("check", "", 6));
  EXPECT_EQ(PastOf(story, 10, Past::kSteps), (std::vector<uint64_t>{4, 6, 7, 8, 9, 10}));
  EXPECT_EQ(PastOf(story, 10, Past::kAll), (std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(PastOf(story, 3, Past::kAll), (std::vector<uint64_t>{2, 3}));
}

TEST(CausalPast, ALifeFollowsTheOneBeforeIt) {
  Telling telling;
  telling.Start("s", 0);                                                   // 1
  telling.Tell({.ms = 1, .process = "s", .type = "Wrote", .fields = {}});  // 2
  telling.Tell({.ms = 2,
                .process = "",
                .type = kProcessEnded,
                .fields = {{"process", "s"}, {"incarnation", "1"}, {"why", "killed"}}});    // 3
  telling.Start("s", 3, false, 2);                                                          // 4
  telling.Tell({.ms = 4, .process = "s", .type = "Read", .fields = {}, .incarnation = 2});  // 5
  const Story story = BuildStory(telling.told, FailedRun("check", "", 6));
  EXPECT_EQ(PastOf(story, 5, Past::kAll), (std::vector<uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(PastOf(story, 5, Past::kSteps), (std::vector<uint64_t>{2, 3, 4, 5}));
}

TEST(CausalPast, HasTheFaultsThatWereThere) {
  Telling telling;
  telling.Start("a", 0);  // 1
  telling.Start("b", 0);  // 2
  const auto fault = [&](double ms, const char* number, const char* for_ns, const char* target) {
    return telling.Tell(
        {.ms = ms,
         .process = "",
         .type = kFaultBegan,
         .fields = {{"fault", number}, {"kind", "k"}, {"for_ns", for_ns}, {"targets", target}}});
  };
  fault(1, "0", "1000000", "a");                              // 3: over before.
  const uint64_t during = fault(2, "1", "50000000", "m.a");   // 4
  fault(2, "2", "50000000", "b");                             // 5: elsewhere.
  const uint64_t everywhere = fault(2, "3", "50000000", "");  // 6
  const uint64_t at = telling.Tell({.ms = 10, .process = "a", .type = "Thing", .fields = {}});
  fault(11, "4", "1000000", "a");  // After it.
  const Story story = BuildStory(telling.told, FailedRun("check", "", 12));
  EXPECT_EQ(PastOf(story, at, Past::kSteps), (std::vector<uint64_t>{during, everywhere, at}));
}

TEST(WhatFailed, IsTheFailureAndTheOperationsOfItsEvidence) {
  const Story story = SampleStory(500);
  const std::vector<size_t> failed = WhatFailed(story);
  ASSERT_EQ(failed.size(), 4u);
  EXPECT_EQ(story.events[failed[0]].type, kRunFailed);
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(story.events[failed[i]].type, kOperationEnded);
  EXPECT_EQ(OperationOf(story, {.label = "", .workload = "sample", .client = 9, .ordinal = 0}),
            Story::kNone);
  EXPECT_TRUE(WhatFailed(Story()).empty());
}

TEST(WhatFailed, OfWhatDidNotHappenIsTheLastThatIsKnown) {
  Telling telling;
  telling.Start("c", 0, true);  // 1
  telling.Start("s", 0);        // 2
  telling.Start("dead", 0);     // 3
  const auto began = [&](const char* ordinal, std::vector<uint64_t> causes) {
    return telling.Tell({.ms = 1,
                         .process = "c",
                         .type = kOperationBegan,
                         .fields = {{"workload", "w"}, {"client", "0"}, {"ordinal", ordinal}},
                         .causes = std::move(causes)});
  };
  const uint64_t done = began("0", {});  // 4
  telling.Tell({.ms = 2,
                .process = "c",
                .type = kOperationEnded,
                .fields = {{"workload", "w"}, {"client", "0"}, {"ordinal", "0"}},
                .causes = {done}});                                            // 5
  const uint64_t open = began("1", {5});                                       // 6
  const auto call = telling.TellCall("c", "s", "get", 3, {open});              // 7 to 10
  telling.Tell({.ms = 8, .process = "s", .type = "Waits", .fields = {}});      // 11
  telling.Tell({.ms = 9, .process = "c", .type = "Elsewhere", .fields = {}});  // 12
  telling.Tell({.ms = 9,
                .process = "",
                .type = kProcessEnded,
                .fields = {{"process", "dead"}, {"incarnation", "1"}}});  // 13
  const Story story = BuildStory(telling.told, FailedRun("liveness", "", 20));
  const std::vector<size_t> failed = WhatFailed(story);
  EXPECT_EQ(failed, (std::vector<size_t>{13, 10, call.heard - 1})) << "the failure, s, operation 1";
}

}  // namespace
}  // namespace orrery::sim
