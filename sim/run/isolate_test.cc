// Goal: whatever a child does, its end, its words and its results reach the parent, and nothing of
// it harms the parent.
// Method: children with one behaviour each.
#include "sim/run/isolate.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace orrery::sim {
namespace {

class IsolateTest : public testing::Test {
 protected:
  ChildEnd Run(const std::function<void(int)>& body) {
    return RunForked(body, progress(), limits_);
  }
  Progress& progress() { return *static_cast<Progress*>(memory_->data()); }

  const std::unique_ptr<SharedMemory> memory_ = *SharedMemory::Make(sizeof(Progress));
  ChildLimits limits_{.hang_cpu_max = Milliseconds(200), .memory_bytes_max = int64_t{1} << 30};
};

TEST_F(IsolateTest, ResultsArriveWholeAndTheLastCounts) {
  const std::string large(3'000'000, 'r');
  const ChildEnd end = Run([&](int result) {
    WriteResult(result, "first");
    WriteResult(result, large);
  });
  EXPECT_EQ(end.how, ChildEnd::How::kFinished);
  EXPECT_EQ(LastResult(end.results), large);
  EXPECT_EQ(LastResult(end.results.substr(0, end.results.size() - 1)), "first");
  EXPECT_EQ(LastResult(""), "");
}

TEST_F(IsolateTest, ASignalIsToldWithWhatWasWritten) {
  const ChildEnd end = Run([](int result) {
    WriteResult(result, "known");
    std::fputs("last words\n", stderr);
    std::abort();
  });
  EXPECT_EQ(end.how, ChildEnd::How::kSignalled);
  EXPECT_EQ(end.code, SIGABRT);
  EXPECT_NE(end.diagnosis.find("last words\n"), std::string::npos);
  EXPECT_EQ(LastResult(end.results), "known");
}

TEST_F(IsolateTest, AnExitCodeIsTold) {
  const ChildEnd end = Run([](int) { _exit(7); });
  EXPECT_EQ(end.how, ChildEnd::How::kExited);
  EXPECT_EQ(end.code, 7);
}

TEST_F(IsolateTest, StandingStillIsAHang) {
  volatile bool forever = true;
  const ChildEnd end = Run([&forever](int) {
    while (forever) {
    }
  });
  EXPECT_EQ(end.how, ChildEnd::How::kHung);
  EXPECT_GE(end.cpu, Milliseconds(200));
}

TEST_F(IsolateTest, SleepingForEverIsAHangToo) {
  limits_.hang_cpu_max = Milliseconds(20);
  const ChildEnd end = Run([](int) { pause(); });
  EXPECT_EQ(end.how, ChildEnd::How::kHung);
}

TEST_F(IsolateTest, ProgressIsNoHang) {
  limits_.hang_cpu_max = Milliseconds(100);
  Progress& progress = this->progress();
  const ChildEnd end = Run([&progress](int) {
    // About a second of work, in small steps of progress.
    volatile uint64_t sum = 0;
    for (uint64_t i = 0; i < 500'000'000; ++i) {
      sum = sum + i;
      if (i % 1'000'000 == 0) progress.time_ns.store(static_cast<int64_t>(i));
    }
  });
  EXPECT_EQ(end.how, ChildEnd::How::kFinished);
}

TEST_F(IsolateTest, WordsWithoutEndAreCut) {
  const ChildEnd end = Run([](int) {
    for (int i = 0; i < 100'000; ++i) std::fputs("again and again\n", stderr);
  });
  EXPECT_EQ(end.how, ChildEnd::How::kFinished);
  EXPECT_EQ(end.diagnosis.size(), size_t{64} << 10);
}

}  // namespace
}  // namespace orrery::sim
