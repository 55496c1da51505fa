// Goal: the queue keeps its promises on files of the machine. Method: the random life of the
// simulated test, ended and begun again many times in a directory of the test's own.
#include <gtest/gtest.h>
#include <stdlib.h>

#include "core/real/real_env.h"
#include "core/real/real_knobs.h"
#include "storage/diskqueue/testing/queue_model.h"

namespace orrery {
namespace {

TEST(DiskQueueRealTest, LivesManyTimes) {
  std::string directory = testing::TempDir() + "/queue.XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  KnobSet knobs;
  knobs.Add<real::RealKnobs>();
  knobs.Add<DiskQueueKnobs>();
  ASSERT_TRUE(knobs.Set("disk_queue_initial_bytes", "65536").ok());
  ASSERT_TRUE(knobs.Set("disk_queue_growth_bytes", "16384").ok());
  ASSERT_TRUE(knobs.Set("disk_queue_bytes_max", "400000").ok());
  QueueModel model;
  for (uint64_t life = 1; life <= 60; ++life) {
    auto env = real::RealEnv::Create(
        {.data_directory = directory + "/data", .knobs = &knobs, .trace_path = directory + "/t"});
    ASSERT_TRUE(env.ok()) << env.status();
    const absl::Status status = (*env)->Run([&](Env& e) -> Task<absl::Status> {
      QueueUser user(e, model, life);
      co_return co_await user.Run(life % 2 == 0 ? 400 : 40);
    });
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_EQ(model.wrong, "");
  }
  EXPECT_EQ(model.lives, 60u);
  EXPECT_GT(model.acknowledged, 100u);
  EXPECT_GT(model.pushed_bytes, model.file_bytes);
}

}  // namespace
}  // namespace orrery
