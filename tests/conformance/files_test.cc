// Goal: the files of every world keep the promises of core/env/file_system.h, as far as a machine
// that keeps its power can show them. Method: two lives of one process, and its death between.
#include <vector>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "core/async/timeout.h"
#include "tests/conformance/streams.h"

namespace orrery::conformance {
namespace {

class FilesTest : public ConformanceTest {};
INSTANTIATE_TEST_SUITE_P(Worlds, FilesTest, ::testing::ValuesIn(Worlds()), NameOfWorld);

using Names = std::vector<std::string>;

Task<absl::Status> WriteFile(Env& env, std::string path, std::string bytes) {
  CO_ASSERT_ASSIGN(const auto file, co_await env.files().Open(path, OpenMode::kCreateNew));
  co_return co_await file->Write(0, Buffer::Copy(bytes));
}

Task<absl::StatusOr<std::string>> ReadFile(Env& env, std::string path) {
  CO_ASSIGN_OR_RETURN(const auto file, co_await env.files().Open(path, OpenMode::kExisting));
  CO_ASSIGN_OR_RETURN(const Buffer bytes, co_await file->Read(0, 1 << 20));
  co_return std::string(bytes.view());
}

TEST_P(FilesTest, WritesReadsTruncates) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const auto file, co_await env.files().Open("a", OpenMode::kCreateNew));
    CO_ASSERT_OK(co_await file->Write(4, Buffer::Copy("four")));
    CO_ASSERT_OK(co_await file->WriteDurable(8, Buffer::Copy("eight")));
    CO_ASSERT_OK(co_await file->Sync());
    CO_ASSERT_OK(co_await file->Write(2, Buffer()));
    CO_ASSERT_ASSIGN(uint64_t size, co_await file->Size());
    EXPECT_EQ(size, 13u);
    CO_ASSERT_ASSIGN(Buffer bytes, co_await file->Read(0, 100));
    EXPECT_EQ(bytes.view(), std::string_view("\0\0\0\0foureight", 13));  // A gap reads as zeros.
    CO_ASSERT_ASSIGN(bytes, co_await file->Read(6, 4));
    EXPECT_EQ(bytes.view(), "urei");
    CO_ASSERT_ASSIGN(bytes, co_await file->Read(13, 1));
    EXPECT_TRUE(bytes.empty());
    CO_ASSERT_ASSIGN(bytes, co_await file->Read(50, 2 << 20));
    EXPECT_TRUE(bytes.empty());
    CO_ASSERT_ASSIGN(bytes, co_await file->Read(4, 0));
    EXPECT_TRUE(bytes.empty());
    CO_ASSERT_OK(co_await file->Truncate(6));
    CO_ASSERT_OK(co_await file->Truncate(8));
    CO_ASSERT_ASSIGN(bytes, co_await file->Read(4, 2 << 20));
    EXPECT_EQ(bytes.view(), std::string_view("fo\0\0", 4));
    CO_ASSERT_OK(co_await file->Truncate(0));
    CO_ASSERT_ASSIGN(size, co_await file->Size());
    EXPECT_EQ(size, 0u);
    co_return absl::OkStatus();
  });
}

TEST_P(FilesTest, OffsetsBeyondAllFilesAreRefused) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const auto file, co_await env.files().Open("a", OpenMode::kCreateNew));
    EXPECT_CODE(invalid_argument, co_await file->Write(UINT64_MAX, Buffer::Copy("x")));
    EXPECT_CODE(invalid_argument, co_await file->WriteDurable(UINT64_MAX - 5, Buffer::Copy("x")));
    EXPECT_CODE(invalid_argument, co_await file->Truncate(UINT64_MAX));
    EXPECT_CODE(invalid_argument, (co_await file->Read(UINT64_MAX, 1)).status());
    CO_ASSERT_ASSIGN(const uint64_t size, co_await file->Size());
    EXPECT_EQ(size, 0u);
    co_return absl::OkStatus();
  });
}

// The file against a string, with writes across sectors and pages.
TEST_P(FilesTest, ManyWritesAndTruncationsAgreeWithAString) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const auto file, co_await env.files().Open("a", OpenMode::kCreateNew));
    std::string model;
    Random random(17);
    for (int round = 0; round < 150; ++round) {
      const uint64_t at = random.Below(100'000);
      if (random.Chance(OneIn(8))) {
        CO_ASSERT_OK(co_await file->Truncate(at));
        model.resize(at);
      } else {
        const std::string bytes = Noise(random.Below(20'000), random.Next());
        CO_ASSERT_OK(random.Chance(OneIn(4)) ? co_await file->WriteDurable(at, Buffer::Copy(bytes))
                                             : co_await file->Write(at, Buffer::Copy(bytes)));
        if (!bytes.empty()) {
          model.resize(std::max<size_t>(model.size(), at + bytes.size()));
          model.replace(at, bytes.size(), bytes);
        }
      }
      const uint64_t from = random.Below(110'000);
      const uint32_t count = static_cast<uint32_t>(random.Below(30'000));
      CO_ASSERT_ASSIGN(const Buffer some, co_await file->Read(from, count));
      const std::string_view expected =
          from < model.size() ? std::string_view(model).substr(from, count) : std::string_view();
      CO_ASSERT_TRUE(some.view() == expected);
    }
    CO_ASSERT_ASSIGN(const Buffer all, co_await file->Read(0, 1 << 20));
    EXPECT_TRUE(all.view() == model);
    co_return absl::OkStatus();
  });
}

TEST_P(FilesTest, TwoHandlesSeeOneFile) {
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const auto one, co_await env.files().Open("a", OpenMode::kCreate));
    CO_ASSERT_ASSIGN(auto two, co_await env.files().Open("a", OpenMode::kExisting));
    CO_ASSERT_OK(co_await one->Write(0, Buffer::Copy("shared")));
    CO_ASSERT_ASSIGN(const Buffer bytes, co_await two->Read(0, 6));
    EXPECT_EQ(bytes.view(), "shared");
    // An operation outlives the File.
    TaskGroup group(env.executor(), ExpectNoError);
    auto write = group.Start("write", two->Write(6, Buffer::Copy("!")));
    co_await Yield();
    two.reset();
    CO_ASSERT_OK(co_await std::move(write));
    CO_ASSERT_OK(co_await one->Sync());
    CO_ASSERT_ASSIGN(const uint64_t size, co_await one->Size());
    EXPECT_EQ(size, 7u);
    co_return absl::OkStatus();
  });
}

TEST_P(FilesTest, OpensByMode) {
  Run([](Env& env) -> Task<absl::Status> {
    FileSystem& files = env.files();
    const absl::Status none = (co_await files.Open("none", OpenMode::kExisting)).status();
    EXPECT_CODE(file_not_found, none);
    EXPECT_NE(std::string(none.message()).find("none"), std::string::npos) << none;
    CO_ASSERT_OK(co_await WriteFile(env, "a", "kept"));
    CO_ASSERT_OK((co_await files.Open("a", OpenMode::kCreate)).status());
    CO_ASSERT_OK((co_await files.Open("a", OpenMode::kExisting)).status());
    EXPECT_CODE(file_exists, (co_await files.Open("a", OpenMode::kCreateNew)).status());
    CO_ASSERT_ASSIGN(const std::string bytes, co_await ReadFile(env, "a"));
    EXPECT_EQ(bytes, "kept");
    EXPECT_CODE(file_not_found, (co_await files.Open("d/a", OpenMode::kCreate)).status());
    CO_ASSERT_OK(co_await files.CreateDirectory("d"));
    for (const OpenMode mode : {OpenMode::kExisting, OpenMode::kCreate}) {
      EXPECT_CODE(platform_error, (co_await files.Open("d", mode)).status());
      EXPECT_CODE(file_not_found, (co_await files.Open("a/b", mode)).status());
    }
    EXPECT_CODE(file_exists, (co_await files.Open("d", OpenMode::kCreateNew)).status());
    co_return absl::OkStatus();
  });
}

TEST_P(FilesTest, RenameReplaces) {
  Run([](Env& env) -> Task<absl::Status> {
    FileSystem& files = env.files();
    CO_ASSERT_OK(co_await WriteFile(env, "a", "of a"));
    CO_ASSERT_OK(co_await WriteFile(env, "b", "of b"));
    CO_ASSERT_ASSIGN(const auto old_a, co_await files.Open("a", OpenMode::kExisting));
    CO_ASSERT_ASSIGN(const auto old_b, co_await files.Open("b", OpenMode::kExisting));
    CO_ASSERT_OK(co_await files.Rename("b", "a"));
    CO_ASSERT_ASSIGN(const std::string now, co_await ReadFile(env, "a"));
    EXPECT_EQ(now, "of b");
    EXPECT_CODE(file_not_found, (co_await files.Open("b", OpenMode::kExisting)).status());
    CO_ASSERT_ASSIGN(Buffer bytes, co_await old_a->Read(0, 10));  // Lost its name, stays usable.
    EXPECT_EQ(bytes.view(), "of a");
    CO_ASSERT_OK(co_await old_b->Write(0, Buffer::Copy("OF")));  // Follows its new name.
    CO_ASSERT_ASSIGN(const std::string written, co_await ReadFile(env, "a"));
    EXPECT_EQ(written, "OF b");
    CO_ASSERT_OK(co_await files.Rename("a", "a"));
    CO_ASSERT_OK(co_await files.CreateDirectory("d"));
    CO_ASSERT_OK(co_await files.Rename("a", "d/c"));
    EXPECT_CODE(file_not_found, co_await files.Rename("a", "x"));
    EXPECT_CODE(file_not_found, co_await files.Rename("d/c", "none/c"));
    EXPECT_CODE(platform_error, co_await files.Rename("d/c", "d"));
    EXPECT_CODE(platform_error, co_await files.Rename("d", "e"));
    CO_ASSERT_ASSIGN(const Names names, co_await files.List("d"));
    EXPECT_EQ(names, Names{"c"});
    CO_ASSERT_OK(co_await files.SyncDirectory("d"));
    CO_ASSERT_OK(co_await files.SyncDirectory(""));
    co_return absl::OkStatus();
  });
}

TEST_P(FilesTest, ADeletedFileStaysUsableWhileOpen) {
  Run([](Env& env) -> Task<absl::Status> {
    FileSystem& files = env.files();
    CO_ASSERT_OK(co_await WriteFile(env, "a", "gone"));
    CO_ASSERT_ASSIGN(const auto open, co_await files.Open("a", OpenMode::kExisting));
    CO_ASSERT_OK(co_await files.Delete("a"));
    EXPECT_CODE(file_not_found, co_await files.Delete("a"));
    EXPECT_CODE(file_not_found, (co_await files.Open("a", OpenMode::kExisting)).status());
    CO_ASSERT_OK(co_await open->Write(4, Buffer::Copy(" on")));
    CO_ASSERT_OK(co_await open->Sync());
    CO_ASSERT_OK(co_await WriteFile(env, "a", "new"));  // Another file of that name.
    CO_ASSERT_ASSIGN(const Buffer bytes, co_await open->Read(0, 10));
    EXPECT_EQ(bytes.view(), "gone on");
    CO_ASSERT_ASSIGN(const std::string fresh, co_await ReadFile(env, "a"));
    EXPECT_EQ(fresh, "new");
    co_return absl::OkStatus();
  });
}

TEST_P(FilesTest, DirectoriesAndSortedLists) {
  Run([](Env& env) -> Task<absl::Status> {
    FileSystem& files = env.files();
    CO_ASSERT_ASSIGN(Names names, co_await files.List(""));
    EXPECT_EQ(names, Names{});
    CO_ASSERT_OK(co_await files.CreateDirectory(""));
    CO_ASSERT_OK(co_await files.CreateDirectory("d"));
    CO_ASSERT_OK(co_await files.CreateDirectory("d"));
    CO_ASSERT_OK(co_await files.CreateDirectory("d/e"));
    EXPECT_CODE(file_not_found, co_await files.CreateDirectory("x/y"));
    for (const char* name : {"d/c", "d/a", "d/B", "d/e-", "d/e0", "d/e/x", "d.1", "d0"}) {
      CO_ASSERT_OK(co_await WriteFile(env, name, name));
    }
    CO_ASSERT_ASSIGN(names, co_await files.List("d"));
    EXPECT_EQ(names, (Names{"B", "a", "c", "e", "e-", "e0"}));
    CO_ASSERT_ASSIGN(names, co_await files.List("d/e"));
    EXPECT_EQ(names, Names{"x"});
    CO_ASSERT_ASSIGN(names, co_await files.List(""));
    EXPECT_EQ(names, (Names{"d", "d.1", "d0"}));
    EXPECT_CODE(file_exists, co_await files.CreateDirectory("d0"));
    EXPECT_CODE(file_not_found, (co_await files.List("none")).status());
    EXPECT_CODE(file_not_found, (co_await files.List("d0")).status());
    EXPECT_CODE(file_not_found, co_await files.SyncDirectory("none"));
    EXPECT_CODE(file_not_found, co_await files.SyncDirectory("d0"));
    EXPECT_CODE(platform_error, co_await files.Delete("d/e"));  // Files only.
    co_return absl::OkStatus();
  });
}

TEST_P(FilesTest, PathsStayInside) {
  Run([](Env& env) -> Task<absl::Status> {
    FileSystem& files = env.files();
    CO_ASSERT_OK(co_await WriteFile(env, "a", ""));
    for (const std::string& path :
         {std::string("../a"), std::string("/etc/passwd"), std::string("a/../b"), std::string("."),
          std::string(".."), std::string("a//b"), std::string("a/"), std::string("./a"),
          std::string("a\0b", 3), std::string("")}) {
      EXPECT_CODE(invalid_argument, (co_await files.Open(path, OpenMode::kCreate)).status());
      EXPECT_CODE(invalid_argument, co_await files.Delete(path));
      EXPECT_CODE(invalid_argument, co_await files.Rename("a", path));
      EXPECT_CODE(invalid_argument, co_await files.Rename(path, "a"));
      EXPECT_CODE(invalid_argument, (co_await files.Lock(path)).status());
      if (path.empty()) continue;
      EXPECT_CODE(invalid_argument, (co_await files.List(path)).status());
      EXPECT_CODE(invalid_argument, co_await files.CreateDirectory(path));
      EXPECT_CODE(invalid_argument, co_await files.SyncDirectory(path));
    }
    CO_ASSERT_OK(co_await WriteFile(env, "..a", ""));
    CO_ASSERT_OK(co_await WriteFile(env, "a b\n\xff", ""));
    co_return absl::OkStatus();
  });
}

TEST_P(FilesTest, ALockHasOneHolder) {
  Run([](Env& env) -> Task<absl::Status> {
    FileSystem& files = env.files();
    CO_ASSERT_ASSIGN(auto lock, co_await files.Lock("lock"));
    EXPECT_CODE(file_locked, (co_await files.Lock("lock")).status());
    CO_ASSERT_ASSIGN(const auto other, co_await files.Lock("other"));
    CO_ASSERT_ASSIGN(const Names names, co_await files.List(""));
    EXPECT_EQ(names, (Names{"lock", "other"}));  // The path is that of a file.
    lock.reset();
    CO_ASSERT_ASSIGN(lock, co_await files.Lock("lock"));
    EXPECT_CODE(file_locked, (co_await files.Lock("lock")).status());
    EXPECT_CODE(file_not_found, (co_await files.Lock("none/lock")).status());
    co_return absl::OkStatus();
  });
}

TEST_P(FilesTest, DeathFreesLocksAndLosesNothing) {
  const std::string bytes = Noise(100'000);
  for (int life = 1; life <= 3; ++life) {
    Run([this, life, &bytes](Env& env) -> Task<absl::Status> {
      CO_ASSERT_ASSIGN(const auto lock, co_await env.files().Lock("lock"));
      if (life > 1) {
        CO_ASSERT_ASSIGN(const std::string before,
                         co_await ReadFile(env, "life" + std::to_string(life - 1)));
        EXPECT_TRUE(before == bytes);
      }
      CO_ASSERT_OK(co_await WriteFile(env, "life" + std::to_string(life), bytes));
      world->KillSoon();
      co_return co_await WaitForDeath(env);
    });
  }
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const Names names, co_await env.files().List(""));
    EXPECT_EQ(names, (Names{"life1", "life2", "life3", "lock"}));
    co_return absl::OkStatus();
  });
}

Task<absl::Status> WriteForEver(File& file, Buffer bytes) {
  while (true) CO_RETURN_IF_ERROR(co_await file.WriteDurable(0, bytes));
}

TEST_P(FilesTest, DeathWithOperationsUnderWayLeavesAUsableFile) {
  for (int life = 1; life <= 5; ++life) {
    Run([this, life](Env& env) -> Task<absl::Status> {
      CO_ASSERT_ASSIGN(const auto file, co_await env.files().Open("a", OpenMode::kCreate));
      TaskGroup group(env.executor(), ExpectNoError);
      for (int i = 0; i < 4; ++i) {
        group.Spawn("write", WriteForEver(*file, Buffer::Copy(Noise(4096))));
      }
      co_await Sleep(env.clock(), Microseconds(300 * life));
      world->KillSoon();
      co_return co_await WaitForDeath(env);
    });
  }
  Run([](Env& env) -> Task<absl::Status> {
    CO_ASSERT_ASSIGN(const auto file, co_await env.files().Open("a", OpenMode::kCreate));
    CO_ASSERT_OK(co_await file->WriteDurable(0, Buffer::Copy("usable")));
    co_return absl::OkStatus();
  });
}

TEST_P(FilesTest, AbandonedOperationsLeaveTheFileUsable) {
  Run([](Env& env) -> Task<absl::Status> {
    for (int round = 0; round < 60; ++round) {
      CO_ASSERT_ASSIGN(auto file, co_await env.files().Open("a", OpenMode::kCreate));
      {
        TaskGroup group(env.executor(), ExpectNoError);
        for (int i = 0; i < 4; ++i) {
          group.Spawn("write", WriteForEver(*file, Buffer::Copy(Noise(4096))));
        }
        auto read = group.Start("read", file->Read(0, 4096));
        auto sync = group.Start("sync", file->Sync());
        co_await Sleep(env.clock(), Microseconds(20 * round));
      }
      CO_ASSERT_OK(co_await file->Write(5000, Buffer::Copy("after")));
      CO_ASSERT_ASSIGN(const Buffer bytes, co_await file->Read(5000, 5));
      EXPECT_EQ(bytes.view(), "after");
      auto write = file->Write(0, Buffer::Copy("x"));  // Never started.
      file.reset();
      // Opening, too, is given up at some moment.
      (void)co_await Timeout(env.clock(), Microseconds(10 * round),
                             env.files().Open("b", OpenMode::kCreate));
    }
    co_return absl::OkStatus();
  });
}

}  // namespace
}  // namespace orrery::conformance
