// Goal: a worker is known exactly while it asks, and a while after; a new life replaces the old
// one, whose late ends change nothing. Method: cases by hand.
#include "txn/controller/worker_registry.h"

#include "gtest/gtest.h"

namespace orrery {
namespace {

constexpr Time At(int64_t seconds) { return Time(Seconds(seconds)); }

WorkerInfo Worker(const std::string& process, uint64_t incarnation) {
  WorkerInfo worker;
  worker.set_process(process);
  worker.mutable_endpoint()->set_incarnation(incarnation);
  return worker;
}

TEST(WorkerRegistryTest, KnownWhileItAsksAndAWhileAfter) {
  WorkerRegistry registry(Seconds(4), Seconds(5));
  registry.Begin(Worker("b", 1));
  const uint64_t poll = registry.Begin(Worker("a", 1));
  ASSERT_EQ(registry.Known(At(1000)).size(), 2u);
  EXPECT_EQ(registry.Known(At(1000))[0].process(), "a");
  registry.End("a", poll, At(1000));
  EXPECT_EQ(registry.Known(At(1003)).size(), 2u);
  EXPECT_EQ(registry.Known(At(1004)).size(), 1u);
  registry.Begin(Worker("a", 1));
  EXPECT_EQ(registry.Known(At(2000)).size(), 2u);
}

TEST(WorkerRegistryTest, PollsThatOverlap) {
  WorkerRegistry registry(Seconds(4), Seconds(5));
  const uint64_t first = registry.Begin(Worker("a", 1));
  const uint64_t second = registry.Begin(Worker("a", 1));
  registry.End("a", first, At(1));
  registry.End("a", first, At(1));
  EXPECT_EQ(registry.Known(At(100)).size(), 1u);
  registry.End("a", second, At(100));
  EXPECT_EQ(registry.Known(At(104)).size(), 0u);
}

TEST(WorkerRegistryTest, ANewLifeReplacesTheOldOne) {
  WorkerRegistry registry(Seconds(4), Seconds(5));
  const uint64_t old = registry.Begin(Worker("a", 1));
  const uint64_t poll = registry.Begin(Worker("a", 2));
  EXPECT_FALSE(registry.Counts("a", old));
  EXPECT_TRUE(registry.Counts("a", poll));
  registry.End("a", old, At(0));
  ASSERT_EQ(registry.Known(At(100)).size(), 1u);
  EXPECT_EQ(registry.Known(At(100))[0].endpoint().incarnation(), 2u);
  registry.Failed("a", 1, At(100));
  EXPECT_EQ(registry.Trusted(At(100)).size(), 1u);
}

TEST(WorkerRegistryTest, AWorkerThatFailedIsKnownWhenItAsksAgain) {
  WorkerRegistry registry(Seconds(4), Seconds(5));
  const uint64_t before = registry.Begin(Worker("a", 1));
  registry.Failed("a", 1, At(100));
  EXPECT_EQ(registry.Known(At(100)).size(), 0u);
  EXPECT_FALSE(registry.Counts("a", before));
  const uint64_t after = registry.Begin(Worker("a", 1));
  registry.End("a", before, At(100));  // Late; it is not the poll that counts.
  EXPECT_EQ(registry.Known(At(1000)).size(), 1u);
  registry.End("a", after, At(1000));
  EXPECT_EQ(registry.Known(At(1004)).size(), 0u);
}

TEST(WorkerRegistryTest, AWorkerThatFailedIsTrustedAfterItsRestOrInItsNextLife) {
  WorkerRegistry registry(Seconds(4), Seconds(5));
  registry.Begin(Worker("a", 1));
  registry.Begin(Worker("b", 1));
  registry.Failed("a", 1, At(100));
  registry.Begin(Worker("a", 1));
  EXPECT_EQ(registry.Known(At(104)).size(), 2u);
  ASSERT_EQ(registry.Trusted(At(104)).size(), 1u);
  EXPECT_EQ(registry.Trusted(At(104))[0].process(), "b");
  EXPECT_EQ(registry.Trusted(At(105)).size(), 2u);
  registry.Failed("a", 1, At(200));
  registry.Begin(Worker("a", 2));
  EXPECT_EQ(registry.Trusted(At(200)).size(), 2u);
}

}  // namespace
}  // namespace orrery
