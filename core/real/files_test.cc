// Goal: files keep the promises of core/env/file_system.h that a machine which does not crash can
// show. Method: a data directory of the test's own.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "core/real/testing/real_test.h"

namespace orrery::real {
namespace {

using FilesTest = RealTest;

TEST_F(FilesTest, WritesReadsTruncates) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(auto file, co_await env.files().Open("a", OpenMode::kCreateNew));
    CO_RETURN_IF_ERROR(co_await file->Write(4, Buffer::Copy("four")));
    CO_RETURN_IF_ERROR(co_await file->WriteDurable(8, Buffer::Copy("eight")));
    CO_RETURN_IF_ERROR(co_await file->Sync());
    CO_ASSIGN_OR_RETURN(const uint64_t size, co_await file->Size());
    EXPECT_EQ(size, 13u);
    CO_ASSIGN_OR_RETURN(Buffer all, co_await file->Read(0, 100));
    EXPECT_EQ(all.view(), std::string_view("\0\0\0\0foureight", 13));
    CO_ASSIGN_OR_RETURN(Buffer beyond, co_await file->Read(50, 2 << 20));
    EXPECT_TRUE(beyond.empty());
    CO_RETURN_IF_ERROR(co_await file->Truncate(6));
    CO_RETURN_IF_ERROR(co_await file->Truncate(8));
    CO_ASSIGN_OR_RETURN(all, co_await file->Read(4, 2 << 20));
    EXPECT_EQ(all.view(), std::string_view("fo\0\0", 4));
    CO_ASSIGN_OR_RETURN(all, co_await file->Read(4, 0));
    EXPECT_TRUE(all.empty());
    EXPECT_EQ(CodeOf(co_await file->Write(UINT64_MAX, Buffer::Copy("x"))),
              ErrorCode::invalid_argument);
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(FilesTest, OpensByMode) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    FileSystem& files = env.files();
    const absl::Status none = (co_await files.Open("none", OpenMode::kExisting)).status();
    EXPECT_EQ(CodeOf(none), ErrorCode::file_not_found);
    EXPECT_NE(std::string(none.message()).find("none: No such file"), std::string::npos);
    CO_RETURN_IF_ERROR((co_await files.Open("a", OpenMode::kCreate)).status());
    CO_RETURN_IF_ERROR((co_await files.Open("a", OpenMode::kCreate)).status());
    CO_RETURN_IF_ERROR((co_await files.Open("a", OpenMode::kExisting)).status());
    EXPECT_EQ(CodeOf((co_await files.Open("a", OpenMode::kCreateNew)).status()),
              ErrorCode::file_exists);
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(FilesTest, NamesAreListedRenamedDeleted) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    FileSystem& files = env.files();
    CO_RETURN_IF_ERROR(co_await files.CreateDirectory("d"));
    CO_RETURN_IF_ERROR(co_await files.CreateDirectory("d"));
    for (const char* name : {"d/c", "d/a", "d/b"}) {
      CO_ASSIGN_OR_RETURN(auto file, co_await files.Open(name, OpenMode::kCreateNew));
      CO_RETURN_IF_ERROR(co_await file->Write(0, Buffer::Copy(name)));
    }
    CO_ASSIGN_OR_RETURN(auto open, co_await files.Open("d/a", OpenMode::kExisting));
    CO_RETURN_IF_ERROR(co_await files.Rename("d/b", "d/a"));
    CO_RETURN_IF_ERROR(co_await files.Delete("d/c"));
    EXPECT_EQ(CodeOf(co_await files.Delete("d/c")), ErrorCode::file_not_found);
    EXPECT_EQ(CodeOf(co_await files.Rename("d/b", "d/x")), ErrorCode::file_not_found);
    EXPECT_EQ(CodeOf(co_await files.CreateDirectory("d/a")), ErrorCode::file_exists);
    CO_RETURN_IF_ERROR(co_await files.SyncDirectory("d"));
    CO_RETURN_IF_ERROR(co_await files.SyncDirectory(""));
    CO_ASSIGN_OR_RETURN(const auto names, co_await files.List("d"));
    EXPECT_EQ(names, std::vector<std::string>{"a"});
    CO_ASSIGN_OR_RETURN(const auto top, co_await files.List(""));
    EXPECT_EQ(top, std::vector<std::string>{"d"});
    EXPECT_EQ(CodeOf((co_await files.List("none")).status()), ErrorCode::file_not_found);
    CO_ASSIGN_OR_RETURN(auto renamed, co_await files.Open("d/a", OpenMode::kExisting));
    CO_ASSIGN_OR_RETURN(Buffer bytes, co_await renamed->Read(0, 10));
    EXPECT_EQ(bytes.view(), "d/b");
    CO_ASSIGN_OR_RETURN(bytes, co_await open->Read(0, 10));  // The file that lost its name.
    EXPECT_EQ(bytes.view(), "d/a");
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(FilesTest, PathsStayInside) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    for (const std::string& path :
         {std::string("../a"), std::string("/etc/passwd"), std::string("a/../b"), std::string("."),
          std::string("a//b"), std::string("a/"), std::string("./a"), std::string("a\0b", 3),
          std::string("")}) {
      EXPECT_EQ(CodeOf((co_await env.files().Open(path, OpenMode::kCreate)).status()),
                ErrorCode::invalid_argument)
          << path;
      EXPECT_EQ(CodeOf(co_await env.files().Delete(path)), ErrorCode::invalid_argument) << path;
      EXPECT_EQ(CodeOf(co_await env.files().Rename("a", path)), ErrorCode::invalid_argument);
    }
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(FilesTest, LocksExcludeWithinAndAcrossEnvs) {
  auto other = RealEnv::Create(Options());
  ASSERT_TRUE(other.ok()) << Describe(other.status());
  const absl::Status status = Run([&other](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(auto lock, co_await env.files().Lock("lock"));
    EXPECT_EQ(CodeOf((co_await env.files().Lock("lock")).status()), ErrorCode::file_locked);
    const auto try_other = [&other] {
      return (*other)->Run([](Env& e) -> Task<absl::Status> {
        co_return (co_await e.files().Lock("lock")).status();
      });
    };
    EXPECT_EQ(CodeOf(try_other()), ErrorCode::file_locked);
    lock.reset();
    EXPECT_TRUE(try_other().ok());
    CO_ASSIGN_OR_RETURN(lock, co_await env.files().Lock("lock"));
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(FilesTest, AFullDiskIsToldWithItsPath) {
  ASSERT_EQ(::access("/dev/full", W_OK), 0) << "the kernel's always-full device is missing";
  ASSERT_EQ(::mkdir((directory + "/data").c_str(), 0755), 0);
  ASSERT_EQ(::symlink("/dev/full", (directory + "/data/full").c_str()), 0);
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(auto file, co_await env.files().Open("full", OpenMode::kExisting));
    const absl::Status full = co_await file->Write(0, Buffer::Copy("x"));
    EXPECT_EQ(CodeOf(full), ErrorCode::disk_full);
    EXPECT_EQ(std::string(full.message()), "write full: No space left on device");
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

// A large write in many pieces: the kernel refuses what lies beyond the limit of the file's size,
// after it took the part before.
TEST_F(FilesTest, ShortWritesGoOnUntilTheError) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 1 << 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    CO_ASSIGN_OR_RETURN(auto file, co_await env.files().Open("a", OpenMode::kCreate));
    const Buffer big = Buffer::Copy(std::string(3 << 20, 'x'));
    EXPECT_EQ(CodeOf(co_await file->Write(0, big)), ErrorCode::platform_error);
    CO_ASSIGN_OR_RETURN(const uint64_t size, co_await file->Size());
    EXPECT_EQ(size, 1u << 20);
    co_return absl::OkStatus();
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(status.ok()) << Describe(status);
}

Task<absl::Status> WriteMany(File& file, int count) {
  for (int i = 0; i < count; ++i) {
    CO_RETURN_IF_ERROR(co_await file.WriteDurable(0, Buffer::Copy(std::string(4096, 'a'))));
    CO_RETURN_IF_ERROR((co_await file.Read(0, 4096)).status());
  }
  co_return absl::OkStatus();
}

TEST_F(FilesTest, AbandonedOperationsLeaveTheFileUsable) {
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    for (int round = 0; round < 100; ++round) {
      CO_ASSIGN_OR_RETURN(auto file, co_await env.files().Open("a", OpenMode::kCreate));
      {
        TaskGroup group(env.executor(), [](std::string_view, absl::Status) {});
        for (int i = 0; i < 4; ++i) group.Spawn("write", WriteMany(*file, 50));
        co_await Sleep(env.clock(), Microseconds(round * 5));
      }
      CO_RETURN_IF_ERROR(co_await WriteMany(*file, 1));
      // Opening, too, is given up at some moment.
      (void)co_await Timeout(env.clock(), Microseconds(round),
                             env.files().Open("b", OpenMode::kCreate));
    }
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << Describe(status);
}

TEST_F(FilesTest, WithoutADataDirectoryEverythingIsRefused) {
  RealOptions options = Options();
  options.data_directory.clear();
  EXPECT_EQ(CodeOf(Run(options,
                       [](Env& env) -> Task<absl::Status> {
                         co_return (co_await env.files().List("")).status();
                       })),
            ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace orrery::real
