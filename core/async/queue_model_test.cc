// Goal: TimerHeap gives timers in order of (due, tie), RunQueue gives nodes in order of priority
// and arrival, whatever is pushed, removed and popped between.
// Method: random operations side by side with std::multimap and std::deque. `--seed=N` repeats a
// run; the seed is printed. Run lengths make the queues both long (compaction) and empty.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/async/manual_loop.h"
#include "core/async/run_queue.h"
#include "core/async/timer_heap.h"
#include "core/base/random.h"
#include "core/base/testing/seed_argument.h"

namespace orrery {
namespace {

constexpr int kOperations = 200'000;

class TimerHeapModel : public testing::Test {
 public:
  explicit TimerHeapModel(uint64_t seed) : random_(seed) {}

  void TestBody() override {
    for (auto& node : nodes_) node = std::make_unique<TimerNode>();
    for (int i = 0; i < kOperations && !HasFailure(); ++i) {
      if (i % 1000 == 0) pushes_in_ten_ = 2 + random_.Below(7);
      if (random_.Below(10) < pushes_in_ten_) {
        Push();
      } else if (random_.Chance(OneIn(2))) {
        Remove();
      } else {
        Pop();
      }
      ASSERT_EQ(heap_.size(), model_.size());
      if (!model_.empty()) ASSERT_EQ(&heap_.Top(), model_.begin()->second);
    }
    while (!model_.empty() && !HasFailure()) Pop();
  }

 private:
  using Key = std::pair<Time, uint64_t>;

  static Key KeyOf(const TimerNode& node) { return {node.due, node.tie}; }

  void Push() {
    TimerNode& node = *nodes_[random_.Below(nodes_.size())];
    if (model_.count(KeyOf(node)) != 0) return;  // It is in the heap.
    node.due = TimeFromNanoseconds(random_.Between(0, 50));
    node.tie = ++ties_;
    heap_.Push(node);
    model_.emplace(KeyOf(node), &node);
  }
  void Remove() {
    TimerNode& node = *nodes_[random_.Below(nodes_.size())];
    if (model_.erase(KeyOf(node)) != 0) heap_.Remove(node);
  }
  void Pop() {
    if (model_.empty()) return;
    ASSERT_EQ(heap_.TopDue(), model_.begin()->first.first);
    ASSERT_EQ(&heap_.Pop(), model_.begin()->second);
    model_.erase(model_.begin());
  }

  Random random_;
  std::vector<std::unique_ptr<TimerNode>> nodes_ = std::vector<std::unique_ptr<TimerNode>>(3000);
  TimerHeap heap_;
  std::multimap<Key, TimerNode*> model_;
  uint64_t ties_ = 0;
  uint64_t pushes_in_ten_ = 0;
};

class RunQueueModel : public testing::Test {
 public:
  RunQueueModel(uint64_t seed, uint32_t mark) : random_(seed), mark_(mark), queue_(mark) {}

  void TestBody() override {
    for (auto& node : nodes_) {
      node = std::make_unique<ReadyNode>();
      node->priority = static_cast<Priority>(random_.Below(kPriorityCount));
    }
    for (int i = 0; i < kOperations && !HasFailure(); ++i) {
      if (i % 5000 == 0) pushes_in_ten_ = 3 + random_.Below(6);
      if (random_.Below(10) < pushes_in_ten_) {
        Push();
      } else if (random_.Chance(OneIn(4))) {
        Remove();
      } else {
        Pop();
      }
    }
    while (!queue_.empty() && !HasFailure()) Pop();
    Pop();
  }

 private:
  std::deque<ReadyNode*>& LaneOf(const ReadyNode& node) {
    return model_[static_cast<size_t>(node.priority)];
  }
  void Push() {
    ReadyNode& node = *nodes_[random_.Below(nodes_.size())];
    if (node.queued()) return;
    queue_.Push(node, &owner_);
    LaneOf(node).push_back(&node);
    ASSERT_EQ(node.slot & mark_, mark_);
  }
  void Remove() {
    ReadyNode& node = *nodes_[random_.Below(nodes_.size())];
    if (!node.queued()) return;
    ASSERT_EQ(node.slot & mark_, mark_);
    queue_.Remove(node);
    std::deque<ReadyNode*>& lane = LaneOf(node);
    lane.erase(std::find(lane.begin(), lane.end(), &node));
    ASSERT_FALSE(node.queued());
  }
  void Pop() {
    ReadyNode* want = nullptr;
    for (auto& lane : model_) {
      if (lane.empty()) continue;
      want = lane.front();
      lane.pop_front();
      break;
    }
    ASSERT_EQ(queue_.Pop(), want);
    if (want != nullptr) ASSERT_FALSE(want->queued());
  }

  ManualLoop owner_;
  Random random_;
  const uint32_t mark_;
  std::vector<std::unique_ptr<ReadyNode>> nodes_ = std::vector<std::unique_ptr<ReadyNode>>(5000);
  RunQueue queue_;
  std::deque<ReadyNode*> model_[kPriorityCount];
  uint64_t pushes_in_ten_ = 0;
};

// More than a thousand nodes wait for the turn's end, some are popped, then one is destroyed: it
// must leave the queue that it is in, though the queue has renumbered its nodes.
TEST(ManualLoop, TurnEndNodesLeaveAfterCompaction) {
  ManualLoop loop;
  int ran = 0;
  struct Node : ReadyNode {
    int* ran;
  };
  std::vector<std::unique_ptr<Node>> nodes(4000);
  for (auto& node : nodes) {
    node = std::make_unique<Node>();
    node->ran = &ran;
    node->run = [](ReadyNode* self) { ++*static_cast<Node*>(self)->ran; };
  }
  for (int i = 0; i < 2000; ++i) loop.AtTurnEnd(*nodes[i]);
  for (int i = 0; i < 1500; ++i) loop.Step();
  for (int i = 2000; i < 4000; ++i) loop.AtTurnEnd(*nodes[i]);
  for (int i = 1500; i < 4000; i += 2) nodes[i].reset();
  loop.Run();
  EXPECT_EQ(ran, 1500 + 1250);
  EXPECT_EQ(loop.pending(), 0u);
}

// Every pushed node is removed before it runs: the queue's memory stays small.
TEST(RunQueue, StaysSmallWhenNothingIsEverPopped) {
  ManualLoop owner;
  RunQueue queue;
  ReadyNode stays, moves[2];
  queue.Push(stays, &owner);
  queue.Push(moves[0], &owner);
  uint32_t slot_max = 0;
  for (int i = 1; i < 100'000; ++i) {
    queue.Push(moves[i % 2], &owner);
    queue.Remove(moves[(i + 1) % 2]);
    slot_max = std::max(slot_max, moves[i % 2].slot);
  }
  EXPECT_LT(slot_max, 2048u);
  queue.Remove(stays);
  queue.Remove(moves[1]);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace orrery

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::optional<uint64_t> argument = orrery::SeedArgument(argc, argv);
  if (!argument.has_value()) return 2;
  const uint64_t seed = *argument;
  testing::RegisterTest("TimerHeap", "Model", nullptr, nullptr, __FILE__, __LINE__,
                        [seed]() -> testing::Test* { return new orrery::TimerHeapModel(seed); });
  testing::RegisterTest("RunQueue", "Model", nullptr, nullptr, __FILE__, __LINE__,
                        [seed]() -> testing::Test* { return new orrery::RunQueueModel(seed, 0); });
  testing::RegisterTest(
      "RunQueue", "MarkedModel", nullptr, nullptr, __FILE__, __LINE__,
      [seed]() -> testing::Test* { return new orrery::RunQueueModel(seed, 1u << 31); });
  return RUN_ALL_TESTS();
}
