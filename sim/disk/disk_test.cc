// Goal: a simulated disk keeps every promise of core/env/file_system.h, and is the same under the
// same seed.
// Method: one process on one disk, plain calls; outcomes that are drawn must all be seen over
// seeds.
#include "sim/disk/disk.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/disk/test_world.h"

namespace orrery::sim {
namespace {

TEST(SimFile, ReadsAreShortOnlyAtTheEndAndGapsAreZeros) {
  TestWorld world(1);
  auto file = world.Open("f");
  ASSERT_TRUE(world.Write(*file, 5000, "end").ok());
  EXPECT_EQ(*world.Await(file->Size()), 5003u);
  EXPECT_EQ(world.Await(file->Read(4998, 100))->view(), std::string_view("\0\0end", 5));
  EXPECT_EQ(world.Await(file->Read(0, 4))->view(), std::string_view("\0\0\0\0", 4));
  EXPECT_EQ(world.Await(file->Read(5003, 1))->size(), 0u);
  EXPECT_EQ(world.Await(file->Read(9999, 1))->size(), 0u);
  ASSERT_TRUE(world.Write(*file, 9999, "").ok());
  EXPECT_EQ(*world.Await(file->Size()), 5003u);
  ASSERT_TRUE(world.Await(file->Truncate(4999)).ok());
  ASSERT_TRUE(world.Await(file->Truncate(5003)).ok());
  EXPECT_EQ(world.Await(file->Read(4998, 100))->view(), std::string_view("\0\0\0\0\0", 5));
}

TEST(SimFile, AReadBeyondTheEndCostsTheTimeOfTheBytesThatAreThere) {
  TestWorld world(1);
  auto file = world.Open("f");
  ASSERT_TRUE(world.Write(*file, 0, "x").ok());
  const Time before = world.timeline.Now();
  EXPECT_EQ(world.Await(file->Read(0, ~0u))->size(), 1u);
  EXPECT_LT(world.timeline.Now() - before, Seconds(1));
}

TEST(SimFile, RefusesRangesThatNoFileHas) {
  TestWorld world(1);
  auto file = world.Open("f");
  EXPECT_CODE(invalid_argument, "f", world.Write(*file, ~uint64_t{0}, "x"));
  EXPECT_CODE(invalid_argument, "f", world.Await(file->Read(~uint64_t{0}, 1)).status());
  EXPECT_CODE(invalid_argument, "f", world.Await(file->Truncate(~uint64_t{0})));
  EXPECT_CODE(platform_error, "f", world.Write(*file, uint64_t{1} << 60, "x"));
  EXPECT_CODE(platform_error, "f", world.Await(file->Truncate(uint64_t{1} << 60)));
}

TEST(SimFile, OperationsOutliveTheFile) {
  TestWorld world(1);
  auto file = world.OpenDurable("f");
  Task<absl::Status> write = file->WriteDurable(0, Buffer::Copy("x"));
  Task<absl::Status> started = [](Task<absl::Status> operation) -> Task<absl::Status> {
    co_return co_await std::move(operation);
  }(std::move(write));
  auto done = world.process->group.Start("write", std::move(started));
  world.timeline.Step();
  file.reset();
  while (world.timeline.Step()) {
  }
  EXPECT_EQ(world.Content("f"), "x");
}

TEST(SimFile, AKillLosesNothingThatCompleted) {
  TestWorld world(1, {.crash_weights = Only(CrashMode::kLoseAll)});
  ASSERT_TRUE(world.Write(*world.Open("f"), 0, "x").ok());
  world.Kill();
  world.Start();
  EXPECT_EQ(world.Content("f"), "x");
  world.PowerCycle();
  EXPECT_EQ(world.Content("f"), "?file_not_found");
}

TEST(SimFile, WhatIsSyncedSurvivesTheLossOfPowerAndOtherBytesMay) {
  const Set outcomes = OverSeeds([](TestWorld& world) {
    auto file = world.OpenDurable("f");
    EXPECT_TRUE(world.Write(*file, 0, "a").ok());
    EXPECT_TRUE(world.Await(file->Sync()).ok());
    EXPECT_TRUE(world.WriteDurable(*file, 1, "b").ok());
    EXPECT_TRUE(world.Write(*file, 0, "c").ok());
    file.reset();
    world.PowerCycle();
    return world.Content("f");
  });
  EXPECT_EQ(outcomes, (Set{"ab", "cb"}));
}

TEST(SimFile, UnsyncedSectorsAreLostEachByItself) {
  const Set outcomes = OverSeeds(
      [](TestWorld& world) {
        auto file = world.OpenDurable("f");
        EXPECT_TRUE(world.WriteDurable(*file, 0, std::string(2 * kSectorBytes, 'a')).ok());
        EXPECT_TRUE(world.Write(*file, 0, std::string(2 * kSectorBytes, 'b')).ok());
        file.reset();
        world.PowerCycle();
        const std::string content = world.Content("f");
        return std::string({content[0], content[kSectorBytes]});
      },
      {.crash_weights = Only(CrashMode::kSectors)});
  EXPECT_EQ(outcomes, (Set{"aa", "ab", "ba", "bb"}));
}

TEST(SimFile, ASyncCoversOnlyWhatCompletedBeforeIt) {
  const Set outcomes = OverSeeds([](TestWorld& world) {
    auto file = world.OpenDurable("f");
    EXPECT_TRUE(world.WriteDurable(*file, 0, "a").ok());
    // The write completes first, since its latency is a tenth of the sync's.
    Future<absl::Status> sync = world.process->group.Start("sync", file->Sync());
    EXPECT_TRUE(world.Write(*file, 0, "b").ok());
    while (world.timeline.Step()) {
    }
    file.reset();
    world.PowerCycle();
    return world.Content("f");
  });
  EXPECT_EQ(outcomes, (Set{"a", "b"}));
}

TEST(SimFile, AnAbandonedWriteHappensWholeTornOrNotAtAll) {
  for (const bool kill : {false, true}) {
    for (const bool durable : {false, true}) {
      const Set outcomes = OverSeeds(
          [=](TestWorld& world) {
            auto file = world.OpenDurable("f");
            const Buffer data = Buffer::Copy(std::string(2 * kSectorBytes, 'x'));
            if (!kill) {
              world.Abandon(durable ? file->WriteDurable(0, data) : file->Write(0, data));
            } else {
              auto write = world.process->group.Start(
                  "write", durable ? file->WriteDurable(0, data) : file->Write(0, data));
              world.timeline.Step();
              file.reset();
              world.PowerCycle();
            }
            return std::to_string(world.Content("f").size());
          },
          {.crash_weights = Only(CrashMode::kKeepAll)});
      EXPECT_EQ(outcomes, (Set{"0", "512", "1024"})) << kill << durable;
    }
  }
}

TEST(SimFileSystem, AbandonedChangesHappenOrDoNot) {
  const std::vector<std::function<Task<absl::Status>(FileSystem&)>> changes = {
      [](FileSystem& files) { return files.Rename("f", "g"); },
      [](FileSystem& files) { return files.Delete("f"); },
      [](FileSystem& files) { return files.CreateDirectory("h"); }};
  for (const auto& change : changes) {
    const Set outcomes = OverSeeds([&](TestWorld& world) {
      world.OpenDurable("f").reset();
      world.Abandon(change(world.files()));
      std::string names;
      const auto listed = world.Await(world.files().List(""));
      EXPECT_TRUE(listed.ok());
      for (const std::string& name : *listed) names += name;
      return names;
    });
    EXPECT_EQ(outcomes.size(), 2u);
    EXPECT_TRUE(outcomes.contains("f"));
  }
}

TEST(SimFileSystem, OpenModes) {
  TestWorld world(1);
  auto& files = world.files();
  EXPECT_CODE(file_not_found, "f", world.Await(files.Open("f", OpenMode::kExisting)).status());
  ASSERT_TRUE(world.Await(files.Open("f", OpenMode::kCreateNew)).ok());
  EXPECT_CODE(file_exists, "f", world.Await(files.Open("f", OpenMode::kCreateNew)).status());
  ASSERT_TRUE(world.Await(files.Open("f", OpenMode::kExisting)).ok());
  ASSERT_TRUE(world.Write(*world.Open("f"), 0, "x").ok());
  EXPECT_EQ(world.Content("f"), "x");
  ASSERT_TRUE(world.Await(files.CreateDirectory("d")).ok());
  ASSERT_TRUE(world.Await(files.CreateDirectory("d")).ok());
  EXPECT_CODE(file_exists, "f", world.Await(files.CreateDirectory("f")));
  EXPECT_CODE(platform_error, "d", world.Await(files.Open("d", OpenMode::kCreate)).status());
  EXPECT_CODE(file_not_found, "e/f", world.Await(files.Open("e/f", OpenMode::kCreate)).status());
  EXPECT_CODE(file_not_found, "e/d", world.Await(files.CreateDirectory("e/d")));
  ASSERT_TRUE(world.Await(files.Open("d/f", OpenMode::kCreate)).ok());
  EXPECT_EQ(*world.Await(files.List("")), (std::vector<std::string>{"d", "f"}));
  EXPECT_EQ(*world.Await(files.List("d")), (std::vector<std::string>{"f"}));
  EXPECT_CODE(file_not_found, "f", world.Await(files.List("f")).status());
  EXPECT_CODE(file_not_found, "x", world.Await(files.List("x")).status());
  EXPECT_CODE(file_not_found, "x", world.Await(files.SyncDirectory("x")));
}

TEST(SimFileSystem, PathsThatAreNone) {
  TestWorld world(1);
  auto& files = world.files();
  for (const std::string& path : {std::string("/a"), std::string("a/"), std::string("a//b"),
                                  std::string("."), std::string("a/.."), std::string("a\0b", 3)}) {
    EXPECT_CODE(invalid_argument, path, world.Await(files.Open(path, OpenMode::kCreate)).status());
    EXPECT_CODE(invalid_argument, path, world.Await(files.List(path)).status());
    EXPECT_CODE(invalid_argument, path, world.Await(files.Rename(path, "b")));
    EXPECT_CODE(invalid_argument, path, world.Await(files.Rename("b", path)));
    EXPECT_CODE(invalid_argument, path, world.Await(files.SyncDirectory(path)));
    EXPECT_CODE(invalid_argument, path, world.Await(files.CreateDirectory(path)));
    EXPECT_CODE(invalid_argument, path, world.Await(files.Lock(path)).status());
  }
  EXPECT_CODE(invalid_argument, "", world.Await(files.Open("", OpenMode::kCreate)).status());
  EXPECT_CODE(invalid_argument, "", world.Await(files.Delete("")));
  EXPECT_TRUE(world.Await(files.CreateDirectory("")).ok());
}

TEST(SimFileSystem, RenameReplacesAndDeleteLeavesOpenFilesUsable) {
  TestWorld world(1);
  auto& files = world.files();
  auto old = world.Open("g");
  ASSERT_TRUE(world.Write(*old, 0, "old").ok());
  ASSERT_TRUE(world.Write(*world.Open("f"), 0, "new").ok());
  ASSERT_TRUE(world.Await(files.Rename("f", "g")).ok());
  ASSERT_TRUE(world.Await(files.Rename("g", "g")).ok());
  EXPECT_EQ(world.Content("g"), "new");
  EXPECT_EQ(world.Content("f"), "?file_not_found");
  EXPECT_EQ(world.Await(old->Read(0, 9))->view(), "old");
  EXPECT_CODE(file_not_found, "f", world.Await(files.Rename("f", "g")));
  EXPECT_CODE(file_not_found, "x/g", world.Await(files.Rename("g", "x/g")));
  ASSERT_TRUE(world.Await(files.CreateDirectory("d")).ok());
  EXPECT_CODE(platform_error, "g", world.Await(files.Rename("g", "d")));
  EXPECT_CODE(platform_error, "d", world.Await(files.Delete("d")));
  auto gone = world.Open("g");
  ASSERT_TRUE(world.Await(files.Delete("g")).ok());
  EXPECT_CODE(file_not_found, "g", world.Await(files.Delete("g")));
  ASSERT_TRUE(world.Write(*gone, 3, "er").ok());
  ASSERT_TRUE(world.Await(gone->Sync()).ok());
  EXPECT_EQ(world.Await(gone->Read(0, 9))->view(), "newer");
}

TEST(SimFileSystem, NamesAreLostWithoutASyncOfTheDirectory) {
  const auto run = [](bool sync) {
    return OverSeeds([sync](TestWorld& world) {
      EXPECT_TRUE(world.WriteDurable(*world.Open("f"), 0, "x").ok());
      if (sync) EXPECT_TRUE(world.Await(world.files().SyncDirectory("")).ok());
      world.PowerCycle();
      return world.Content("f");
    });
  };
  EXPECT_EQ(run(true), (Set{"x"}));
  EXPECT_EQ(run(false), (Set{"x", "?file_not_found"}));
}

TEST(SimFileSystem, ALockHasOneHolderUntilItIsGivenUpOrItsProcessDies) {
  TestWorld world(1);
  auto lock = world.Await(world.files().Lock("lock"));
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(*world.Await(world.files().List("")), (std::vector<std::string>{"lock"}));
  EXPECT_CODE(file_locked, "lock", world.Await(world.files().Lock("lock")).status());
  lock->reset();
  lock = world.Await(world.files().Lock("lock"));
  ASSERT_TRUE(lock.ok());
  {
    TestProcess other(world.timeline, world.disk, "p", 77);
    std::string code;
    other.group.Spawn("lock", [](ProcessFiles* files, std::string* out) -> Task<absl::Status> {
      *out = NameOfCode((co_await files->Lock("lock")).status());
      co_return absl::OkStatus();
    }(other.files.get(), &code));
    while (world.timeline.Step()) {
    }
    EXPECT_EQ(code, "file_locked");
  }
  world.Kill();
  world.Start();
  auto next = world.Await(world.files().Lock("lock"));
  ASSERT_TRUE(next.ok());
  lock->reset();  // Of the dead incarnation: takes nothing from the living one.
  EXPECT_CODE(file_locked, "lock", world.Await(world.files().Lock("lock")).status());
  EXPECT_CODE(file_not_found, "x/l", world.Await(world.files().Lock("x/l")).status());
}

// A bit of everything, its hash, and what is there at the end.
std::pair<uint64_t, std::string> Mixture(uint64_t seed, std::optional<int> kill_at_step) {
  TestWorld world(seed);
  auto body = [](FileSystem& files) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(auto lock, co_await files.Lock("lock"));
    CO_ASSIGN_OR_RETURN(auto file, co_await files.Open("a", OpenMode::kCreate));
    CO_RETURN_IF_ERROR(co_await file->Write(0, Buffer::Copy(std::string(3000, 'a'))));
    CO_RETURN_IF_ERROR(co_await file->Sync());
    CO_RETURN_IF_ERROR(co_await file->WriteDurable(3000, Buffer::Copy("b")));
    CO_RETURN_IF_ERROR(co_await file->Truncate(2000));
    CO_ASSIGN_OR_RETURN(const uint64_t size, co_await file->Size());
    CO_ASSIGN_OR_RETURN(Buffer bytes, co_await file->Read(0, static_cast<uint32_t>(size)));
    CO_RETURN_IF_ERROR(co_await files.CreateDirectory("d"));
    CO_RETURN_IF_ERROR(co_await files.Rename("a", "d/b"));
    CO_RETURN_IF_ERROR(co_await files.SyncDirectory("d"));
    CO_RETURN_IF_ERROR((co_await files.List("d")).status());
    co_return co_await files.Delete("d/b");
  };
  world.process->group.Spawn("body", body(world.files()));
  for (int step = 0; step != kill_at_step && world.timeline.Step(); ++step) {
  }
  if (kill_at_step.has_value()) world.PowerCycle();
  std::string names;
  const auto listed = world.Await(world.files().List(""));
  EXPECT_TRUE(listed.ok());
  for (const std::string& name : *listed) names += name + " ";
  EXPECT_TRUE(world.Await(world.files().Lock("lock")).ok());
  return {world.timeline.hash(), names};
}

TEST(Disk, TheSameSeedGivesTheSameHash) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const auto first = Mixture(seed, std::nullopt);
    EXPECT_EQ(first, Mixture(seed, std::nullopt));
    hashes.insert(first.first);
  }
  EXPECT_EQ(hashes.size(), 10u);
}

TEST(Disk, AProcessCanBeKilledAtEveryStep) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    for (int step = 0; step < 20; ++step) EXPECT_EQ(Mixture(seed, step), Mixture(seed, step));
  }
}

TEST(Disk, AFaultShiftsNoLatencies) {
  const auto run = [](bool fault) {
    TestWorld world(1);
    auto file = world.Open("f");
    if (fault) world.disk.FailWrites(2);
    for (int i = 0; i < 5; ++i) (void)world.Write(*file, 0, "x");  // Failing or not.
    return world.timeline.Now();
  };
  EXPECT_EQ(run(false), run(true));
}

}  // namespace
}  // namespace orrery::sim
