// Goal: a disk does each of its faults, counts it, and heals.
// Method: one process on one disk, plain calls; outcomes that are drawn must all be seen over
// seeds.
#include <algorithm>
#include <string>
#include <vector>

#include "sim/disk/disk.h"
#include "sim/disk/test_world.h"

namespace orrery::sim {
namespace {

TEST(DiskFault, ASyncThatFailsForgets) {
  for (const bool durable : {false, true}) {
    const Set outcomes = OverSeeds([durable](TestWorld& world) {
      auto file = world.OpenDurable("f");
      world.disk.FailNextSync();
      if (durable) {
        EXPECT_CODE(io_error, "f", world.WriteDurable(*file, 0, "x"));
      } else {
        EXPECT_TRUE(world.Write(*file, 0, "x").ok());
        EXPECT_CODE(io_error, "f", world.Await(file->Sync()));
      }
      EXPECT_TRUE(world.Await(file->Sync()).ok());
      EXPECT_EQ(world.Content("f"), "x");
      EXPECT_EQ(world.disk.effects(DiskEffect::kSyncFailed), 1u);
      file.reset();
      world.PowerCycle();
      return world.Content("f");
    });
    EXPECT_EQ(outcomes, (Set{"", std::string(1, '\0'), "x"}));
  }
}

TEST(DiskFault, ASyncOfADirectoryFails) {
  const Set outcomes = OverSeeds([](TestWorld& world) {
    world.Open("f").reset();
    world.disk.FailNextSync();
    EXPECT_CODE(io_error, "sync", world.Await(world.files().SyncDirectory("")));
    world.PowerCycle();
    return world.Content("f");
  });
  EXPECT_EQ(outcomes, (Set{"", "?file_not_found"}));
}

TEST(DiskFault, ReadsFailBySectorAndForGood) {
  TestWorld world(3);
  auto file = world.Open("f");
  const std::string bytes(64 * 4096, 'x');
  ASSERT_TRUE(world.Write(*file, 0, bytes).ok());
  world.disk.FailReads(4);
  std::vector<bool> bad;
  for (int pass = 0; pass < 2; ++pass) {
    for (uint64_t block = 0; block < 64; ++block) {
      const auto read = world.Await(file->Read(block * 4096, 4096));
      if (!read.ok()) EXPECT_CODE(io_error, "f", read.status());
      if (pass == 0) bad.push_back(!read.ok());
      EXPECT_EQ(bad[block], !read.ok());
    }
  }
  const auto count = static_cast<uint64_t>(std::count(bad.begin(), bad.end(), true));
  EXPECT_GT(count, 4u);
  EXPECT_LT(count, 40u);
  EXPECT_EQ(world.disk.effects(DiskEffect::kReadFailed), 2 * count);
  EXPECT_TRUE(world.Await(file->Read(bytes.size(), 1)).ok());
  world.disk.HealAll();
  EXPECT_EQ(world.Await(file->Read(0, 1 << 20))->view(), bytes);
}

TEST(DiskFault, WritesFailAndLeaveAnyPart) {
  const Set outcomes = OverSeeds([](TestWorld& world) {
    auto file = world.Open("f");
    world.disk.FailWrites(1);
    EXPECT_CODE(io_error, "f", world.Write(*file, 0, std::string(2 * kSectorBytes, 'x')));
    EXPECT_CODE(io_error, "f", world.Await(file->Truncate(0)));
    EXPECT_EQ(world.disk.effects(DiskEffect::kWriteFailed), 2u);
    EXPECT_FALSE(world.disk.damaged());
    return std::to_string(world.Content("f").size());
  });
  EXPECT_EQ(outcomes, (Set{"0", "512", "1024"}));
}

TEST(DiskFault, BitsRotInDurableBytes) {
  TestWorld world(1);
  auto file = world.OpenDurable("f");
  ASSERT_TRUE(world.WriteDurable(*file, 0, std::string(4096, 'x')).ok());
  world.disk.RotBits(1);
  const std::string content = world.Content("f");
  ASSERT_EQ(content.size(), 4096u);
  int bits = 0;
  for (const char c : content) bits += __builtin_popcount(static_cast<uint8_t>(c ^ 'x'));
  EXPECT_EQ(bits, 1);
  EXPECT_TRUE(world.disk.damaged());
  EXPECT_EQ(world.disk.effects(DiskEffect::kBitFlipped), 1u);
  file.reset();
  world.PowerCycle();
  EXPECT_EQ(world.Content("f"), content);
}

TEST(DiskFault, AWriteIsLostAndAnotherMisdirected) {
  TestWorld world(1);
  auto file = world.OpenDurable("f");
  ASSERT_TRUE(world.WriteDurable(*file, 0, std::string(1000, 'x')).ok());
  world.disk.LoseNextWrite();
  ASSERT_TRUE(world.WriteDurable(*file, 0, "lost").ok());
  EXPECT_EQ(world.Content("f"), std::string(1000, 'x'));
  EXPECT_TRUE(world.disk.damaged());
  auto other = world.OpenDurable("g");
  world.disk.MisdirectNextWrite();
  ASSERT_TRUE(world.Write(*other, 0, std::string(700, 'y')).ok());
  EXPECT_EQ(world.Content("g"), "");
  const std::string content = world.Content("f");
  EXPECT_EQ(content.size(), 1000u);  // It does not grow.
  EXPECT_NE(content.find('y'), std::string::npos);
  EXPECT_EQ(content.find('y') % kSectorBytes, 0u);
  EXPECT_EQ(world.disk.effects(DiskEffect::kWriteLost), 1u);
  EXPECT_EQ(world.disk.effects(DiskEffect::kWriteMisdirected), 1u);
  file.reset();
  other.reset();
  world.Kill();
  world.disk.Wipe();
  EXPECT_FALSE(world.disk.damaged());
  world.Start();
  EXPECT_TRUE(world.Await(world.files().List(""))->empty());
}

TEST(DiskFault, AFullDiskRefusesBytesAndNamesAndCanBeCleared) {
  TestWorld world(1);
  auto file = world.Open("f");
  ASSERT_TRUE(world.Write(*file, 0, "x").ok());
  world.disk.SetFull(true);
  EXPECT_CODE(disk_full, "f", world.Write(*file, 0, "y"));
  EXPECT_CODE(disk_full, "f", world.WriteDurable(*file, 0, "y"));
  EXPECT_CODE(disk_full, "g", world.Await(world.files().Open("g", OpenMode::kCreate)).status());
  EXPECT_CODE(disk_full, "d", world.Await(world.files().CreateDirectory("d")));
  EXPECT_EQ(world.disk.effects(DiskEffect::kRefusedFull), 4u);
  world.Abandon(file->Write(0, Buffer::Copy("y")));
  EXPECT_EQ(world.Content("f"), "x");
  EXPECT_TRUE(world.Await(file->Truncate(0)).ok());
  EXPECT_TRUE(world.Await(world.files().Delete("f")).ok());
  world.disk.SetFull(false);
  EXPECT_TRUE(world.Write(*file, 0, "y").ok());
}

TEST(DiskFault, AReadOnlyDiskCanOnlyBeRead) {
  TestWorld world(1);
  auto file = world.Open("f");
  ASSERT_TRUE(world.Write(*file, 0, "x").ok());
  world.disk.SetReadOnly(true);
  EXPECT_CODE(platform_error, "f", world.Write(*file, 0, "y"));
  EXPECT_CODE(platform_error, "f", world.Await(file->Truncate(0)));
  EXPECT_CODE(platform_error, "f", world.Await(world.files().Delete("f")));
  EXPECT_CODE(platform_error, "f", world.Await(world.files().Rename("f", "g")));
  EXPECT_CODE(platform_error, "f",
              world.Await(world.files().Open("f", OpenMode::kCreate)).status());
  EXPECT_EQ(world.Await(file->Read(0, 9))->view(), "x");
  EXPECT_EQ(world.disk.effects(DiskEffect::kRefusedReadOnly), 5u);
  world.disk.HealAll();
  EXPECT_TRUE(world.Write(*file, 0, "y").ok());
}

TEST(DiskFault, SlownessMultipliesTimes) {
  TestWorld world(1, {.tail_max = {}});
  auto file = world.Open("f");
  const auto time = [&] {
    const Time before = world.timeline.Now();
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(world.Write(*file, 0, "x").ok());
    return world.timeline.Now() - before;
  };
  const Duration plain = time();
  world.disk.SetSlowness(100);
  EXPECT_GT(time(), plain * 20);
  EXPECT_EQ(world.disk.effects(DiskEffect::kSlowed), 20u);
  world.disk.HealAll();
  EXPECT_LT(time(), plain * 5);
}

TEST(DiskFault, AStallHoldsOperationsUntilItsEndOrUntilHealed) {
  TestWorld world(1);
  auto file = world.Open("f");
  const Time begin = world.timeline.Now();
  world.disk.StallUntil(begin + Seconds(100));
  ASSERT_TRUE(world.Write(*file, 0, "x").ok());
  EXPECT_GE(world.timeline.Now(), begin + Seconds(100));
  EXPECT_EQ(world.disk.effects(DiskEffect::kStalled), 1u);

  const Time again = world.timeline.Now();
  world.disk.StallUntil(again + Seconds(1000));
  std::vector<Future<absl::Status>> writes;
  for (int i = 0; i < 3; ++i) {
    writes.push_back(world.process->group.Start("write", file->Write(0, Buffer::Copy("y"))));
  }
  world.Abandon(file->Write(0, Buffer::Copy("z")));
  EXPECT_FALSE(writes[0].ready());
  world.disk.HealAll();
  while (world.timeline.Step()) {
  }
  for (auto& write : writes) EXPECT_TRUE(write.ready());
  EXPECT_LT(world.timeline.Now(), again + Seconds(1));
}

}  // namespace
}  // namespace orrery::sim
