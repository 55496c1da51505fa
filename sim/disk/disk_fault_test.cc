// Goal: a disk does each of its faults, counts it, and heals.
// Method: one process on one disk, plain calls; outcomes that are drawn must all be seen over
// seeds.
#include <algorithm>
#include <functional>
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

TEST(DiskFault, AStallHoldsWhatIsUnderWayAndASecondOneHoldsItLonger) {
  for (const bool healed : {false, true}) {
    TestWorld world(1);
    auto file = world.Open("f");
    auto write = world.process->group.Start("write", file->Write(0, Buffer::Copy("x")));
    world.timeline.Step();  // It is under way.
    const Time begin = world.timeline.Now();
    world.disk.StallUntil(begin + Seconds(10));
    world.disk.StallUntil(begin + Seconds(5));  // Shortens nothing.
    auto later = world.process->group.Start("later", file->Write(0, Buffer::Copy("y")));
    world.disk.StallUntil(begin + Seconds(100));
    const Time end = begin + (healed ? Duration{} : Seconds(100));
    while (world.timeline.NextDue() < begin + Seconds(100)) {
      world.timeline.Step();
      EXPECT_TRUE(healed || (!write.ready() && !later.ready()));
      if (healed) world.disk.HealAll();
    }
    while (world.timeline.Step()) {
    }
    EXPECT_TRUE(write.ready() && later.ready());
    EXPECT_GT(world.timeline.Now(), end);
    EXPECT_LT(world.timeline.Now(), end + Seconds(1));
  }
}

TEST(DiskFault, NothingThatIsDirtyIsSyncedOnAReadOnlyDisk) {
  TestWorld world(1, {.crash_weights = Only(CrashMode::kLoseAll)});
  auto clean = world.OpenDurable("clean");
  auto dirty = world.OpenDurable("dirty");
  ASSERT_TRUE(world.WriteDurable(*clean, 0, "x").ok());
  ASSERT_TRUE(world.Write(*dirty, 0, "x").ok());
  world.disk.SetReadOnly(true);
  EXPECT_TRUE(world.Await(clean->Sync()).ok());
  EXPECT_TRUE(world.Await(world.files().SyncDirectory("")).ok());
  EXPECT_CODE(platform_error, "dirty", world.Await(dirty->Sync()));
  EXPECT_CODE(platform_error, "clean", world.WriteDurable(*clean, 0, "y"));
  world.disk.SetReadOnly(false);
  EXPECT_TRUE(world.Await(dirty->Sync()).ok());  // Says nothing about what failed before.
  ASSERT_TRUE(world.Await(world.files().CreateDirectory("d")).ok());
  world.disk.SetReadOnly(true);
  EXPECT_CODE(platform_error, "read-only", world.Await(world.files().SyncDirectory("")));
  world.disk.SetReadOnly(false);
  clean.reset();
  dirty.reset();
  world.PowerCycle();
  EXPECT_EQ(world.Content("dirty"), "");
  EXPECT_EQ(world.Content("clean"), "x");
  EXPECT_EQ(*world.Await(world.files().List("")), (std::vector<std::string>{"clean", "dirty"}));
}

// The last entry of the hash that is about a fault.
class LastFault final : public Recorder {
 public:
  void Record(uint64_t, Time, Happening happening, uint64_t entity, uint64_t a, uint64_t b,
              uint64_t) override {
    if (happening == Happening::kFault) last = std::to_string(HashWords(entity, a, b));
  }
  std::string last;
};

TEST(DiskFault, WhatAFaultHitEntersTheHash) {
  const std::vector<std::function<void(TestWorld&, File&)>> faults = {
      [](TestWorld& world, File&) { world.disk.RotBits(1); },
      [](TestWorld& world, File& file) {
        world.disk.MisdirectNextWrite();
        EXPECT_TRUE(world.Write(file, 0, "y").ok());
      },
      [](TestWorld& world, File& file) {
        world.disk.LoseNextWrite();
        EXPECT_TRUE(world.Write(file, world.timeline.seed(), "y").ok());
      },
      [](TestWorld& world, File& file) {
        EXPECT_TRUE(world.Write(file, 0, std::string(8000, 'y')).ok());
        world.Kill();
        world.disk.PowerLoss();
      },
      [](TestWorld& world, File& file) {
        EXPECT_TRUE(world.Write(file, 9000, std::string(world.timeline.seed(), 'y')).ok());
        world.Kill();
        world.disk.Wipe();
      }};
  for (size_t i = 0; i < faults.size(); ++i) {
    const Set notes = OverSeeds([&](TestWorld& world) {
      LastFault recorder;
      auto file = world.OpenDurable("f");
      EXPECT_TRUE(world.WriteDurable(*file, 0, std::string(8000, 'x')).ok());
      world.timeline.set_recorder(&recorder);
      faults[i](world, *file);
      world.timeline.set_recorder(nullptr);
      EXPECT_NE(recorder.last, "") << i;
      return recorder.last;
    });
    EXPECT_GT(notes.size(), 8u) << i;
  }
}

}  // namespace
}  // namespace orrery::sim
