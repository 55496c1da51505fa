// Processes that consist of a loop, files and a group of tasks: enough to test a disk without
// sim/world's processes.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/async/sleep.h"
#include "core/async/task_group.h"
#include "sim/disk/disk.h"

namespace orrery::sim {

struct TestProcess {
  TestProcess(Timeline& timeline, Disk& disk, const std::string& name, uint64_t incarnation)
      : loop(timeline, HashWords(HashBytes(name), incarnation), {}),
        files(disk.Attach(loop, name)),
        group(loop, [](std::string_view task, absl::Status status) {
          ADD_FAILURE() << task << ": " << Describe(status);
        }) {}
  ~TestProcess() { Kill(); }

  void Kill() {
    loop.Fence();
    files->Fence();
    group.Cancel();
  }

  Loop loop;
  std::unique_ptr<ProcessFiles> files;
  TaskGroup group;
};

class TestWorld {
 public:
  explicit TestWorld(uint64_t seed, DiskParameters parameters = {})
      : timeline(seed), disk(timeline, HashName("disk"), parameters) {
    Start();
  }

  // A new incarnation of the process, which has been killed.
  void Start() {
    process.reset();
    process = std::make_unique<TestProcess>(timeline, disk, "p", ++incarnation);
  }
  void Kill() { process.reset(); }
  void PowerCycle() {
    Kill();
    disk.PowerLoss();
    Start();
  }

  FileSystem& files() { return *process->files; }

  // Runs `task` on the process to its end.
  template <class T>
  T Await(Task<T> task) {
    std::optional<T> result;
    process->group.Spawn("await", Store(&result, std::move(task)));
    while (!result.has_value() && timeline.Step()) {
    }
    EXPECT_TRUE(result.has_value()) << "the task never ends";
    return std::move(*result);
  }
  // Starts it, and destroys it `after` that time, done or not.
  template <class T>
  void Abandon(Task<T> task, Duration after = {}) {
    std::optional<T> result;
    TaskGroup group(process->loop, [](std::string_view, absl::Status) {});
    group.Spawn("abandoned", Store(&result, std::move(task)));
    timeline.Step();
    const Time end = timeline.Now() + after;
    while (timeline.NextDue() <= end && timeline.Step()) {
    }
  }

  std::unique_ptr<File> Open(const std::string& path, OpenMode mode = OpenMode::kCreate) {
    auto file = Await(files().Open(path, mode));
    EXPECT_TRUE(file.ok()) << Describe(file.status());
    return file.ok() ? *std::move(file) : nullptr;
  }
  // A file whose name is durable.
  std::unique_ptr<File> OpenDurable(const std::string& path) {
    auto file = Open(path);
    EXPECT_TRUE(Await(files().SyncDirectory("")).ok());
    return file;
  }
  // What a file holds; "?" and the error when it cannot be read.
  std::string Content(const std::string& path) {
    auto file = Await(files().Open(path, OpenMode::kExisting));
    if (!file.ok()) return "?" + std::string(InfoOf(CodeOf(file.status())).name);
    auto bytes = Await((*file)->Read(0, 1 << 20));
    if (!bytes.ok()) return "?" + std::string(InfoOf(CodeOf(bytes.status())).name);
    return std::string(bytes->view());
  }
  absl::Status Write(File& file, uint64_t offset, std::string_view bytes) {
    return Await(file.Write(offset, Buffer::Copy(bytes)));
  }
  absl::Status WriteDurable(File& file, uint64_t offset, std::string_view bytes) {
    return Await(file.WriteDurable(offset, Buffer::Copy(bytes)));
  }

  Timeline timeline;
  Disk disk;
  uint64_t incarnation = 0;
  std::unique_ptr<TestProcess> process;

 private:
  template <class T>
  static Task<absl::Status> Store(std::optional<T>* result, Task<T> task) {
    result->emplace(co_await std::move(task));
    co_return absl::OkStatus();
  }
};

using Set = std::set<std::string>;

inline constexpr uint64_t kSeeds = 60;

// What `run` says over seeds.
inline Set OverSeeds(const std::function<std::string(TestWorld&)>& run,
                     DiskParameters parameters = {}) {
  Set outcomes;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    TestWorld world(seed, parameters);
    outcomes.insert(run(world));
  }
  return outcomes;
}

inline std::string NameOfCode(const absl::Status& status) {
  return std::string(InfoOf(CodeOf(status)).name);
}

#define EXPECT_CODE(code, path, ...)                                       \
  do {                                                                     \
    const absl::Status expect_status = (__VA_ARGS__);                      \
    EXPECT_EQ(NameOfCode(expect_status), #code);                           \
    EXPECT_NE(expect_status.message().find(path), absl::string_view::npos) \
        << "no path in: " << Describe(expect_status);                      \
  } while (false)

}  // namespace orrery::sim
