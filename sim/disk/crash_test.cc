// Goal: each mode of a loss of power leaves exactly the shapes it promises, modes are drawn per
// crash and file by their weights, and each is reached on a disk.
// Method: three records appended to a file, one mode, many keys; the outcomes are listed.
#include "sim/disk/crash_draw.h"

#include <map>
#include <string>

#include "sim/disk/file_image.h"
#include "sim/disk/test_world.h"

namespace orrery::sim {
namespace {

constexpr uint64_t kRecord = 3 * kSectorBytes;

// A sector as one letter; '.' is zeros, '?' is torn within.
std::string Show(const FileImage& file) {
  std::string bytes(file.size(), '?');
  file.Read(0, file.size(), bytes.data());
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += kSectorBytes) {
    const std::string sector = bytes.substr(at, kSectorBytes);
    if (sector.find_first_not_of(sector[0]) != std::string::npos) {
      out += '?';
    } else {
      out += sector[0] == 0 ? '.' : sector[0];
    }
  }
  return out;
}

Set Outcomes(CrashMode mode) {
  Set outcomes;
  for (uint64_t key = 0; key < 2000; ++key) {
    FileImage file;
    for (uint64_t i = 0; i < 3; ++i) {
      file.Write(i * kRecord, Buffer::Copy(std::string(kRecord, static_cast<char>('a' + i))));
    }
    DrawnCrash draw(Only(mode), key);
    file.LosePower(draw);
    outcomes.insert(Show(file));
  }
  return outcomes;
}

TEST(Crash, LosesAllOrKeepsAll) {
  EXPECT_EQ(Outcomes(CrashMode::kLoseAll), (Set{""}));
  EXPECT_EQ(Outcomes(CrashMode::kKeepAll), (Set{"aaabbbccc"}));
}

TEST(Crash, KeepsWholeRecordsWithOlderOnesLost) {
  EXPECT_EQ(Outcomes(CrashMode::kChanges), (Set{"", "aaa", "...bbb", "aaabbb", "......ccc",
                                                "aaa...ccc", "...bbbccc", "aaabbbccc"}));
}

TEST(Crash, KeepsAPrefixWithATornTail) {
  Set expected;
  for (const std::string before : {"", "aaa", "aaabbb"}) {
    const char next = static_cast<char>('a' + before.size() / 3);
    for (size_t kept = 0; kept <= 3; ++kept) {
      expected.insert(before);                                                         // Cut off.
      expected.insert(before + std::string(kept, next));                               // Short.
      expected.insert(before + std::string(kept, next) + std::string(3 - kept, '.'));  // Zeros.
    }
  }
  EXPECT_EQ(Outcomes(CrashMode::kPrefix), expected);
}

TEST(Crash, KeepsAnySubsetOfSectorsFewOrMany) {
  const Set outcomes = Outcomes(CrashMode::kSectors);
  EXPECT_GT(outcomes.size(), 300u);
  EXPECT_TRUE(outcomes.contains("aaabbbccc"));
  EXPECT_TRUE(outcomes.contains("........."));
  EXPECT_TRUE(outcomes.contains(""));
}

TEST(Crash, AFileThatWasCutIsNotMadeLongerByBytesBeforeTheCut) {
  for (uint64_t key = 0; key < 200; ++key) {
    FileImage file;
    file.Write(0, Buffer::Copy(std::string(5 * kSectorBytes, 'a')));
    file.Truncate(0);
    file.Write(0, Buffer::Copy(std::string(kSectorBytes, 'b')));
    DrawnCrash draw(Only(CrashMode::kPrefix), key);
    file.LosePower(draw);
    EXPECT_TRUE((Set{"", "a", "aa", "aaa", "aaaa", "aaaaa", "a....", "aa...", "aaa..", "aaaa.",
                     ".....", ".", "b"})
                    .contains(Show(file)))
        << Show(file);
  }
}

TEST(Crash, ModesComeByTheirWeights) {
  std::map<CrashMode, int> seen;
  for (uint64_t key = 0; key < 1000; ++key) ++seen[DrawnCrash({0, 1, 0, 3, 0}, key).mode()];
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_GT(seen[CrashMode::kChanges], 2 * seen[CrashMode::kKeepAll]);
  EXPECT_GT(seen[CrashMode::kKeepAll], 150);
}

TEST(Crash, OneDiskSeesDifferentModesInTurnAndInItsFiles) {
  TestWorld world(1);
  Set outcomes;
  bool differ = false;
  for (int crash = 0; crash < 40; ++crash) {
    std::string content[2];
    for (const std::string name : {"f", "g"}) {
      auto file = world.OpenDurable(name);
      ASSERT_TRUE(world.Await(file->Truncate(0)).ok());
      ASSERT_TRUE(world.Await(file->Sync()).ok());
      for (uint64_t i = 0; i < 3; ++i) {
        ASSERT_TRUE(world.Write(*file, i * kRecord, std::string(kRecord, 'x')).ok());
      }
    }
    world.PowerCycle();
    content[0] = world.Content("f");
    content[1] = world.Content("g");
    differ = differ || content[0] != content[1];
    outcomes.insert(content[0]);
  }
  EXPECT_TRUE(differ);
  EXPECT_TRUE(outcomes.contains(""));
  EXPECT_TRUE(outcomes.contains(std::string(3 * kRecord, 'x')));
  EXPECT_GT(outcomes.size(), 6u);
}

}  // namespace
}  // namespace orrery::sim
