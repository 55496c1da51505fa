// Goal: outside of a schedule's windows things go in order of insertion, within them as the seed
// draws, and one window over everything is no schedule at all. Method: nodes and timers that write
// down when they ran, on loops of one timeline.
#include "sim/world/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "sim/world/loop.h"

namespace orrery::sim {
namespace {

constexpr int kNodes = 12;
constexpr Time kEnd = TimeFromNanoseconds(INT64_MAX);

Time At(int64_t ns) { return TimeFromNanoseconds(ns); }

// Writes its number down.
struct Node : TimerNode {
  Node(int which, std::vector<int>& log) : number(which), order(log) {
    run = [](ReadyNode* node) {
      Node& self = *static_cast<Node*>(node);
      self.order.push_back(self.number);
    };
  }
  int number;
  std::vector<int>& order;
};

std::vector<int> InOrder() {
  std::vector<int> numbers(kNodes);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

struct Outcome {
  std::vector<int> ready;   // Order of tasks that were ready at once on loop "a".
  std::vector<int> events;  // Order of events of one moment, on loops "a" and "b" in turn.
  uint64_t hash = 0;
};

// At each of `moments`: nodes are posted to one loop, and timers armed on two for a moment later.
Outcome RunNodes(const Schedule* schedule, const std::vector<Time>& moments) {
  Timeline timeline(7);
  const auto options = [schedule](std::string_view process) {
    Loop::Options made;
    if (schedule != nullptr) made.drawn = &schedule->WindowsOf(process);
    return made;
  };
  Loop a(timeline, 1, options("a"));
  Loop b(timeline, 2, options("b"));
  Outcome outcome;
  for (const Time moment : moments) {
    timeline.AdvanceTo(moment);
    std::vector<std::unique_ptr<Node>> nodes;
    for (int i = 0; i < kNodes; ++i) {
      a.Post(*nodes.emplace_back(std::make_unique<Node>(i, outcome.ready)));
    }
    for (int i = 0; i < kNodes; ++i) {
      Loop& loop = i % 2 == 0 ? a : b;
      loop.ArmAt(*nodes.emplace_back(std::make_unique<Node>(i, outcome.events)),
                 moment + Nanoseconds(1));
    }
    while (timeline.Step()) {
    }
  }
  outcome.hash = timeline.hash();
  return outcome;
}

TEST(Schedule, WithoutOneEverythingIsDrawn) {
  const Outcome drawn = RunNodes(nullptr, {At(0)});
  EXPECT_NE(drawn.ready, InOrder());
  EXPECT_NE(drawn.events, InOrder());
}

TEST(Schedule, AnEmptyOneKeepsTheOrderOfInsertion) {
  const Schedule empty({});
  const Outcome kept = RunNodes(&empty, {At(0)});
  EXPECT_EQ(kept.ready, InOrder());
  EXPECT_EQ(kept.events, InOrder());
}

TEST(Schedule, AWindowOverEverythingIsNoSchedule) {
  const Schedule all({{"a", At(0), kEnd}, {"b", At(0), At(5)}, {"b", At(5), kEnd}});
  const std::vector<Time> moments = {At(0), At(10), At(20)};
  const Outcome with = RunNodes(&all, moments);
  const Outcome without = RunNodes(nullptr, moments);
  EXPECT_EQ(with.hash, without.hash);
  EXPECT_EQ(with.ready, without.ready);
  EXPECT_EQ(with.events, without.events);
}

TEST(Schedule, WithinAWindowOfOneProcessItsDrawsAreThoseOfTheSeed) {
  const std::vector<Time> moments = {At(0), At(10), At(20)};
  const Outcome drawn = RunNodes(nullptr, moments);
  // The same ordinals are drawn at the second moment, whatever is in order around it.
  const Schedule middle({{"a", At(10), At(20)}});
  const Outcome some = RunNodes(&middle, moments);
  const auto part = [](const std::vector<int>& order, int which) {
    return std::vector<int>(order.begin() + which * kNodes, order.begin() + (which + 1) * kNodes);
  };
  EXPECT_EQ(part(some.ready, 0), InOrder());
  EXPECT_EQ(part(some.ready, 1), part(drawn.ready, 1));
  EXPECT_EQ(part(some.ready, 2), InOrder());
  // Of the events of that moment those of loop "b" keep their order, those of "a" do not.
  std::vector<int> of_a;
  std::vector<int> of_b;
  for (const int each : part(some.events, 1)) (each % 2 == 0 ? of_a : of_b).push_back(each);
  EXPECT_TRUE(std::is_sorted(of_b.begin(), of_b.end()));
  EXPECT_FALSE(std::is_sorted(of_a.begin(), of_a.end()));
}

TEST(Schedule, ANodeThatIsTakenOutLeavesTheOrderOfTheOthers) {
  const Schedule empty({});
  Timeline timeline(7);
  Loop loop(timeline, 1, {.drawn = &empty.WindowsOf("a")});
  std::vector<int> order;
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < kNodes; ++i) {
    loop.Post(*nodes.emplace_back(std::make_unique<Node>(i, order)));
  }
  nodes[2].reset();
  nodes[7].reset();
  while (timeline.Step()) {
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 3, 4, 5, 6, 8, 9, 10, 11}));
}

TEST(Schedule, WindowsAreMergedAndThoseOfOthersAreNotGiven) {
  const Schedule schedule({{"b", At(0), At(1)},
                           {"a", At(5), At(9)},
                           {"a", At(1), At(3)},
                           {"a", At(8), At(12)},
                           {"a", At(20), At(20)}});
  const std::vector<ScheduleWindow>& windows = schedule.WindowsOf("a");
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].from, At(1));
  EXPECT_EQ(windows[0].to, At(3));
  EXPECT_EQ(windows[1].from, At(5));
  EXPECT_EQ(windows[1].to, At(12));
  EXPECT_TRUE(schedule.WindowsOf("").empty());
}

TEST(DrawnSpans, TheEndOfAWindowIsOutside) {
  const Schedule schedule({{"a", At(1), At(3)}, {"a", At(5), At(6)}});
  DrawnSpans spans(schedule.WindowsOf("a"));
  std::vector<int64_t> inside;
  for (int64_t ns = 0; ns < 8; ++ns) {
    if (spans.Contains(At(ns))) inside.push_back(ns);
  }
  EXPECT_EQ(inside, (std::vector<int64_t>{1, 2, 5}));
}

}  // namespace
}  // namespace orrery::sim
