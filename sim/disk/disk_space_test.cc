// Goal: a disk that is full refuses what needs a new block and nothing else; space is counted as it
// is taken and comes back when it is given up.
// Method: one process on one disk, plain calls; the space in use after each.
#include <string>

#include "sim/disk/disk.h"
#include "sim/disk/test_world.h"

namespace orrery::sim {
namespace {

constexpr uint64_t kBlock = 4096;

std::string Blocks(uint64_t count, char value) { return std::string(count * kBlock, value); }

TEST(DiskSpace, IsTakenByBlocksOnceAndGivenBack) {
  TestWorld world(1);
  const uint64_t empty = world.disk.used_bytes();
  auto file = world.OpenDurable("f");
  EXPECT_EQ(world.disk.used_bytes(), empty + kBlock);
  ASSERT_TRUE(world.Write(*file, 10 * kBlock - 1, "xy").ok());  // The gap takes nothing.
  EXPECT_EQ(world.disk.used_bytes(), empty + 3 * kBlock);
  ASSERT_TRUE(world.WriteDurable(*file, 10 * kBlock, "z").ok());
  ASSERT_TRUE(world.Await(file->Sync()).ok());
  EXPECT_EQ(world.disk.used_bytes(), empty + 3 * kBlock);
  ASSERT_TRUE(world.Await(file->Truncate(10 * kBlock)).ok());
  EXPECT_EQ(world.disk.used_bytes(), empty + 2 * kBlock);
  ASSERT_TRUE(world.Await(world.files().Delete("f")).ok());
  EXPECT_EQ(world.disk.used_bytes(), empty + 2 * kBlock);  // It is open.
  file.reset();
  EXPECT_EQ(world.disk.used_bytes(), empty);

  ASSERT_TRUE(world.Write(*world.Open("a"), 0, "a").ok());
  ASSERT_TRUE(world.Write(*world.Open("b"), 0, "b").ok());
  EXPECT_EQ(world.disk.used_bytes(), empty + 4 * kBlock);
  ASSERT_TRUE(world.Await(world.files().Rename("a", "b")).ok());
  EXPECT_EQ(world.disk.used_bytes(), empty + 2 * kBlock);
  world.Kill();
  world.disk.Wipe();
  EXPECT_EQ(world.disk.used_bytes(), 0u);
}

TEST(DiskSpace, AfterALossOfPowerIsThatOfWhatSurvived) {
  for (const CrashMode mode : {CrashMode::kLoseAll, CrashMode::kKeepAll}) {
    TestWorld world(1, {.crash_weights = Only(mode)});
    ASSERT_TRUE(world.WriteDurable(*world.OpenDurable("old"), 0, "x").ok());
    const uint64_t before = world.disk.used_bytes();
    ASSERT_TRUE(world.Write(*world.Open("new"), 0, Blocks(3, 'x')).ok());
    ASSERT_TRUE(world.Await(world.files().Delete("old")).ok());
    EXPECT_EQ(world.disk.used_bytes(), before + 2 * kBlock);
    world.PowerCycle();
    const bool kept = mode == CrashMode::kKeepAll;
    EXPECT_EQ(world.disk.used_bytes(), kept ? before + 2 * kBlock : before);
    EXPECT_EQ(world.Content("old"), kept ? "?file_not_found" : "x");
  }
}

TEST(DiskSpace, AFullDiskRefusesGrowthAndNothingElse) {
  TestWorld world(1);
  auto file = world.OpenDurable("f");
  auto other = world.OpenDurable("g");
  ASSERT_TRUE(world.Write(*file, 0, "x").ok());
  world.disk.SetCapacity(world.disk.used_bytes());
  EXPECT_TRUE(world.Write(*file, 0, "y").ok());
  EXPECT_TRUE(world.WriteDurable(*file, 1, "y").ok());  // The block is there.
  EXPECT_TRUE(world.Await(file->Sync()).ok());
  EXPECT_CODE(disk_full, "f", world.WriteDurable(*file, kBlock, "z"));
  EXPECT_CODE(disk_full, "g", world.Write(*other, 0, "z"));
  EXPECT_CODE(disk_full, "h", world.Await(world.files().Open("h", OpenMode::kCreate)).status());
  EXPECT_CODE(disk_full, "d", world.Await(world.files().CreateDirectory("d")));
  EXPECT_EQ(world.disk.effects(DiskEffect::kRefusedFull), 4u);
  world.Abandon(other->Write(0, Buffer::Copy("z")));
  EXPECT_EQ(world.Content("g"), "");

  EXPECT_CODE(disk_full, "f", world.Write(*file, 2, Blocks(1, 'z')));
  EXPECT_EQ(world.Content("f"), "yy" + std::string(kBlock - 2, 'z'));  // What there is room for.
  other.reset();
  EXPECT_TRUE(world.Await(world.files().Rename("g", "h")).ok());
  EXPECT_TRUE(world.Await(world.files().Delete("h")).ok());
  EXPECT_TRUE(world.Write(*file, kBlock, "z").ok());  // In the block of what was deleted.
  EXPECT_TRUE(world.Await(file->Truncate(0)).ok());
  EXPECT_TRUE(world.Write(*file, 0, Blocks(2, 'w')).ok());
  EXPECT_CODE(disk_full, "f", world.Write(*file, 2 * kBlock, "w"));
  world.disk.SetCapacity(Disk::kNoCapacityLimit);
  EXPECT_TRUE(world.Write(*file, 2 * kBlock, "w").ok());
}

}  // namespace
}  // namespace orrery::sim
