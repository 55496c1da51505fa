// Goal: threads without a loop get results from one.
// Method: several real threads hand in tasks that sleep and share state of the loop.
#include "core/real/loop_thread.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "core/async/sleep.h"

namespace orrery::real {
namespace {

Task<absl::Status> Count(Env* env, int* count, bool fail) {
  co_await Sleep(env->clock(), Microseconds(100));
  ++*count;
  co_return fail ? Error(ErrorCode::not_committed) : absl::OkStatus();
}

TEST(LoopThread, RunsTasksOfManyThreadsOnOne) {
  auto loop = LoopThread::Start({});
  ASSERT_TRUE(loop.ok()) << Describe(loop.status());
  constexpr int kThreads = 8;
  constexpr int kTasks = 200;
  int count = 0;  // Of the loop's thread alone.
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTasks; ++i) {
        const bool fail = i % 2 == 0;
        const absl::Status status =
            (*loop)->Await([&](Env& env) { return Count(&env, &count, fail); });
        EXPECT_EQ(CodeOf(status), fail ? ErrorCode::not_committed : ErrorCode::ok);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kTasks);
}

TEST(LoopThread, RefusesWhatItsEnvRefuses) {
  RealOptions options;
  options.tls = TlsFiles{"/nowhere/certificate", "/nowhere/key", "/nowhere/authority"};
  EXPECT_EQ(CodeOf(LoopThread::Start(options).status()), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace orrery::real
