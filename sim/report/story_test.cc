// Goal: what a run told becomes lanes, lives, messages, roles, faults, operations and failures, and
// nothing breaks when parts of it were not kept. Method: stories told event by event.
#include "sim/report/build_story.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "core/observe/story_events.h"
#include "sim/report/lane_order.h"
#include "sim/report/testing/told.h"
#include "sim/world/process.h"

namespace orrery::sim {
namespace {

using namespace story_events;

Time At(double ms) { return TimeFromNanoseconds(static_cast<int64_t>(ms * 1e6)); }

RunResult Passed(double ms) {
  RunResult result;
  result.simulated = At(ms);
  return result;
}

TEST(NaturalOrder, CountsNumbers) {
  EXPECT_TRUE(NaturallyLess("m9", "m10"));
  EXPECT_FALSE(NaturallyLess("m10", "m9"));
  EXPECT_TRUE(NaturallyLess("m09", "m10"));
  EXPECT_FALSE(NaturallyLess("m9", "m09"));
  EXPECT_TRUE(NaturallyLess("", "a"));
  EXPECT_TRUE(NaturallyLess("1", "a"));
  EXPECT_TRUE(NaturallyLess("m1.a", "m1.b"));
  EXPECT_FALSE(NaturallyLess("a", "a"));
}

TEST(Lanes, ClientsComeFirstThenPlacesInOrder) {
  Telling telling;
  for (const char* const name : {"s10", "s9"}) telling.Start(name, 1);
  telling.Start("c0", 1, true);
  const Story story = BuildStory(telling.told, Passed(10));
  ASSERT_EQ(story.lanes.size(), 3u);
  EXPECT_EQ(story.lanes[0].process, "c0");
  EXPECT_EQ(story.lanes[1].process, "s9");
  EXPECT_EQ(story.lanes[2].process, "s10");
  EXPECT_EQ(story.lanes[2].machine, "m.s10");
  EXPECT_EQ(story.lanes[2].zone, "z.s10");
}

TEST(Messages, AreTiedByTheirCall) {
  Telling telling;
  telling.Start("c", 0, true);
  telling.Start("s", 0);
  telling.TellCall("c", "s", "get", 5);
  const Story story = BuildStory(telling.told, Passed(10));
  ASSERT_EQ(story.messages.size(), 2u);
  const Story::Message& request = story.messages[0];
  EXPECT_EQ(request.kind, Story::Message::Kind::kRequest);
  EXPECT_EQ(request.method, "get");
  EXPECT_EQ(story.events[request.sent].lane, 0u);
  EXPECT_EQ(story.events[request.received].lane, 1u);
  EXPECT_EQ(story.events[request.received].message, 0u);
  EXPECT_EQ(request.to, 1u);
  const Story::Message& reply = story.messages[1];
  EXPECT_EQ(reply.kind, Story::Message::Kind::kReply);
  EXPECT_EQ(reply.method, "get");
  EXPECT_EQ(reply.to, 0u);
}

TEST(Messages, OneThatNeverCameGoesWhereItWasSentAndItsCallerSaysWhy) {
  Telling telling;
  telling.Start("c", 0, true);
  telling.Start("s", 0);
  const Story::Named call = {{"call", "x"}, {"method", "get"}, {"peer", "s"}};
  telling.Tell(
      {.ms = 1, .process = "c", .type = kRequestSent, .fields = call, .level = TraceLevel::kDebug});
  Story::Named failed = call;
  failed.emplace_back("reason", "timed_out");
  telling.Tell({.ms = 3,
                .process = "c",
                .type = kCallFailed,
                .fields = failed,
                .level = TraceLevel::kDebug});
  const Story story = BuildStory(telling.told, Passed(10));
  ASSERT_EQ(story.messages.size(), 2u);
  EXPECT_EQ(story.messages[0].received, Story::kNone);
  EXPECT_EQ(story.messages[0].to, 1u);
  EXPECT_EQ(story.messages[0].error, "timed_out");
  // What told the callee to stop; it did not come either.
  EXPECT_EQ(story.messages[1].kind, Story::Message::Kind::kCancel);
  const Story::Event& gave_up = story.events[story.messages[1].sent];
  EXPECT_EQ(gave_up.type, kCallFailed);
  EXPECT_EQ(gave_up.causes, std::vector<size_t>{story.messages[0].sent});
}

TEST(Messages, WhoseSendingWasNotKeptAreLeftOut) {
  Telling telling;
  telling.Start("c", 0, true);
  telling.Start("s", 0);
  telling.TellCall("c", "s", "get", 5);
  telling.told.details.erase(telling.told.details.begin());
  telling.told.details_dropped = 1;
  const Story story = BuildStory(telling.told, Passed(10));
  ASSERT_EQ(story.messages.size(), 1u);  // The reply.
  EXPECT_EQ(story.messages[0].method, "get");
  EXPECT_EQ(story.details_dropped, 1u);
  ASSERT_EQ(story.details.size(), 1u);
  EXPECT_EQ(story.details[0].from, At(5.2));
  EXPECT_EQ(story.details[0].to, At(10));
}

TEST(Roles, EndWithTheirEndOrTheirProcessOrTheRun) {
  Telling telling;
  telling.Start("s", 0);
  const auto began = [&](double ms, const char* role, const char* generation) {
    telling.Tell({.ms = ms,
                  .process = "s",
                  .type = kRoleBegan,
                  .fields = {{"role", role}, {"role_id", "1"}, {"generation", generation}}});
  };
  began(1, "log", "3");
  began(1, "proxy", "3");
  telling.Tell({.ms = 2,
                .process = "s",
                .type = kRoleEnded,
                .fields = {{"role", "log"}, {"role_id", "1"}, {"why", "over"}}});
  telling.Tell({.ms = 4,
                .process = "",
                .type = kProcessEnded,
                .fields = {{"process", "s"}, {"incarnation", "1"}, {"why", "killed"}}});
  telling.Start("s", 6, false, 2);
  began(7, "proxy", "4");
  const Story story = BuildStory(telling.told, Passed(10));
  ASSERT_EQ(story.roles.size(), 3u);
  EXPECT_EQ(story.roles[0].generation, 3u);
  EXPECT_EQ(story.roles[0].end, At(2));
  EXPECT_EQ(story.roles[0].why, "over");
  EXPECT_EQ(story.roles[1].end, At(4));
  EXPECT_EQ(story.roles[1].why, "its process ended: killed");
  EXPECT_EQ(story.roles[2].end, At(10));
  EXPECT_EQ(story.roles[2].why, "");
  ASSERT_EQ(story.lives.size(), 2u);
  EXPECT_EQ(story.lives[0].end, At(4));
  EXPECT_EQ(story.lives[0].why, "killed");
  EXPECT_EQ(story.lives[1].incarnation, 2u);
  EXPECT_EQ(story.lives[1].end, At(10));
}

ToldEvent FaultOf(const char* number, double ms, const char* for_ns, const char* targets) {
  return {.ms = ms,
          .process = "",
          .type = kFaultBegan,
          .fields = {{"fault", number},
                     {"kind", "k"},
                     {"for_ns", for_ns},
                     {"targets", targets},
                     {"what", "w"}}};
}

TEST(Faults, LastUntilTheirEndOrUntilAllAreHealed) {
  Telling telling;
  for (const char* const name : {"s1", "s2", "s10"}) telling.Start(name, 0);
  telling.Tell(FaultOf("0", 1, "2000000", "m.s1 s10"));
  telling.Tell(FaultOf("1", 2, "90000000", ""));
  telling.Tell(FaultOf("2", 3, "1000000", "s2"));
  telling.Tell(
      {.ms = 3, .process = "", .type = kFaultSkipped, .fields = {{"fault", "2"}, {"kind", "k"}}});
  telling.Tell(FaultOf("3", 4, "0", "s2"));
  telling.Tell({.ms = 8, .process = "", .type = kFaultsHealed, .fields = {}});
  const Story story = BuildStory(telling.told, Passed(10));
  ASSERT_EQ(story.faults.size(), 3u);
  EXPECT_EQ(story.faults[0].end, At(3));
  EXPECT_EQ(story.faults[0].lanes, (std::vector<size_t>{0, 2}));  // "s1" is no part of "s10".
  EXPECT_EQ(story.faults[1].end, At(8));
  EXPECT_TRUE(story.faults[1].lanes.empty());
  EXPECT_EQ(story.faults[2].begin, story.faults[2].end);
}

TEST(Operations, HaveABeginAndMayHaveAnEnd) {
  Telling telling;
  telling.Start("c", 0, true);
  const auto tell = [&](double ms, const char* type, const char* ordinal, const char* outcome) {
    telling.Tell({.ms = ms,
                  .process = "c",
                  .type = type,
                  .fields = {{"workload", "ring"},
                             {"client", "0"},
                             {"ordinal", ordinal},
                             {"outcome", outcome}},
                  .level = TraceLevel::kDebug});
  };
  tell(1, kOperationBegan, "0", "");
  tell(2, kOperationBegan, "1", "");
  tell(3, kOperationEnded, "0", "ok");
  const Story story = BuildStory(telling.told, Passed(10));
  ASSERT_EQ(story.operations.size(), 2u);
  EXPECT_EQ(story.operations[0].end, At(3));
  EXPECT_EQ(story.operations[0].outcome, "ok");
  EXPECT_EQ(story.operations[1].ended, Story::kNone);
  EXPECT_EQ(story.operations[1].end, At(10));
}

TEST(Failures, OneThatTheWorldToldOfIsItsEvent) {
  Telling telling;
  telling.Start("c", 0, true);
  telling.Tell({.ms = 5,
                .process = "c",
                .type = kRunFailed,
                .fields = {{"kind", "check"}, {"text", "bad"}},
                .level = TraceLevel::kError});
  const Story story = BuildStory(telling.told, FailedRun("check", "bad", 5));
  ASSERT_EQ(story.failures.size(), 1u);
  EXPECT_EQ(story.failures[0].event, 1u);
  EXPECT_EQ(story.events[1].lane, 0u);
  EXPECT_EQ(story.events.size(), 2u);
}

TEST(Failures, ACrashIsWhereTheRunWas) {
  Telling telling;
  telling.Start("a", 0);
  telling.Start("b", 0);
  telling.Tell({.ms = 4, .process = "a", .type = "Thing", .fields = {}});
  telling.Tell({.ms = 5, .process = "b", .type = "Thing", .fields = {}});
  telling.told.running = Process::LoopKey("a", 1);
  const Story story = BuildStory(telling.told, FailedRun("crash", "signal", 6));
  ASSERT_EQ(story.failures.size(), 1u);
  const Story::Event& event = story.events[story.failures[0].event];
  EXPECT_EQ(event.type, kRunFailed);
  EXPECT_EQ(event.lane, 0u);
  EXPECT_EQ(event.time, At(6));
  EXPECT_EQ(event.causes, std::vector<size_t>{2});
}

TEST(Limits, TheNewestAreKeptAndTheRestIsCounted) {
  Telling telling;
  telling.Start("c", 0, true);
  for (size_t i = 0; i < kStoryDetailsMax + 10; ++i) {
    telling.Tell({.ms = 1.0 + static_cast<double>(i),
                  .process = "c",
                  .type = "D",
                  .fields = {},
                  .level = TraceLevel::kDebug});
  }
  const Story story = BuildStory(telling.told, Passed(1e6));
  EXPECT_EQ(story.events.size(), kStoryDetailsMax + 1);
  EXPECT_EQ(story.details_dropped, 10u);
  EXPECT_EQ(story.details[0].from, At(11));
  EXPECT_TRUE(
      std::ranges::is_sorted(story.events, {}, [](const Story::Event& each) { return each.time; }));
}

TEST(Limits, SpansThatWereKeptApartAreThereToo) {
  Telling telling;
  telling.Start("c", 0, true);
  const auto detail = [&](double ms) {
    telling.Tell(
        {.ms = ms, .process = "c", .type = "D", .fields = {}, .level = TraceLevel::kDebug});
  };
  detail(2);
  telling.told.kept_details = std::exchange(telling.told.details, {});
  telling.told.kept = {{At(1), At(3)}};
  detail(20);
  telling.told.details_dropped = 7;
  const Story story = BuildStory(telling.told, Passed(30));
  ASSERT_EQ(story.events.size(), 3u);
  EXPECT_EQ(story.events[1].time, At(2));
  ASSERT_EQ(story.details.size(), 2u);
  EXPECT_EQ(story.details[0].to, At(3));
  EXPECT_EQ(story.details[1].from, At(20));
}

TEST(Spans, ThatMeetAreOne) {
  const std::vector<Span> joined = Joined({{At(5), At(6)}, {At(1), At(3)}, {At(3), At(4)}});
  ASSERT_EQ(joined.size(), 2u);
  EXPECT_EQ(joined[0].to, At(4));
  EXPECT_EQ(joined[1].from, At(5));
  EXPECT_TRUE(Joined({}).empty());
}

TEST(Sample, IsWhole) {
  const Story story = SampleStory(10'000);
  EXPECT_GE(story.events.size(), 10'000u);
  EXPECT_GT(story.messages.size(), 4'000u);
  EXPECT_GE(story.faults.size(), 3u);
  EXPECT_GT(story.roles.size(), 5u);
  EXPECT_EQ(story.failures.size(), 1u);
  EXPECT_TRUE(
      std::ranges::is_sorted(story.events, {}, [](const Story::Event& each) { return each.time; }));
}

}  // namespace
}  // namespace orrery::sim
