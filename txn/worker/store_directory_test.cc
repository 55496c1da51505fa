// Goal: a store that is being removed is removed in the end, and never found as one that may be
// opened, whenever the power goes. Method: removal in a simulated world, power lost at each moment.
#include "txn/worker/store_directory.h"

#include <gtest/gtest.h>

#include <memory>

#include "sim/world/world.h"
#include "storage/diskqueue/disk_queue_knobs.h"
#include "storage/engine/memory_engine_knobs.h"
#include "storage/server/storage_server.h"

namespace orrery {
namespace {

constexpr uint64_t kId = 0xab;

TEST(StoreDirectoryTest, Names) {
  EXPECT_EQ(StoreDirectory(StoreKind::kLog, 0xab), "log-00000000000000ab");
  EXPECT_EQ(StoreDirectory(StoreKind::kStorage, ~uint64_t{0}), "storage-ffffffffffffffff");
}

Task<absl::Status> MakeFile(Env& env, std::string path) {
  CO_ASSIGN_OR_RETURN(std::unique_ptr<File> file,
                      co_await env.files().Open(path, OpenMode::kCreateNew));
  CO_RETURN_IF_ERROR(co_await file->WriteDurable(0, Buffer::Copy("content")));
  co_return absl::OkStatus();
}

struct Seen {
  bool made = false;
  bool asked = false;  // To remove it.
  bool removed = false;
  bool opened_damaged = false;
  uint32_t resumed = 0;
};

// First life: makes a store of three files, and removes it. Later ones: what a worker does.
Task<absl::Status> Live(Env* env, Seen* seen) {
  const std::string directory = StoreDirectory(StoreKind::kLog, kId);
  if (!seen->made) {
    CO_RETURN_IF_ERROR(co_await env->files().CreateDirectory(directory));
    CO_RETURN_IF_ERROR(co_await env->files().CreateDirectory("log-not-an-id"));
    for (const char* name : {"description", "queue-0", "queue-1"}) {
      CO_RETURN_IF_ERROR(co_await MakeFile(*env, directory + "/" + name));
    }
    CO_RETURN_IF_ERROR(co_await env->files().SyncDirectory(directory));
    CO_RETURN_IF_ERROR(co_await env->files().SyncDirectory(""));
    seen->made = true;
  }
  CO_ASSIGN_OR_RETURN(const std::vector<FoundStore> found, co_await FindStores(*env));
  if (found.empty()) {
    seen->removed = seen->asked;
    co_return absl::OkStatus();
  }
  EXPECT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, kId);
  EXPECT_EQ(found[0].kind, StoreKind::kLog);
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> files, co_await env->files().List(directory));
  if (!found[0].removed && files.size() != 3) seen->opened_damaged = true;
  if (found[0].removed) ++seen->resumed;
  seen->asked = true;
  CO_RETURN_IF_ERROR(co_await RemoveStore(*env, directory));
  seen->removed = true;
  co_return absl::OkStatus();
}

TEST(StoreDirectoryTest, PowerLostAtAnyMoment) {
  uint32_t resumed = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    KnobSet knobs;
    Seen seen;
    sim::World world(sim::World::Options{.seed = seed, .knobs = &knobs});
    sim::Machine& machine = world.AddMachine({.name = "m", .zone = "z"});
    sim::Process& process =
        world.AddProcess(machine, {.name = "p",
                                   .main = [&seen](Env& env) { return Live(&env, &seen); },
                                   .supervised = false});
    process.Start();
    while (!seen.made && world.Step()) {
    }
    ASSERT_TRUE(seen.made) << seed;
    Random random = world.Stream("test");
    while (!seen.removed) {
      for (uint64_t steps = random.Below(40); steps > 0; --steps) world.Step();
      machine.PowerOff();
      machine.PowerOn();
      if (!process.running()) process.Start();
      if (random.Chance(OneIn(4))) ASSERT_TRUE(world.RunUntil(world.Now() + Seconds(5)));
    }
    ASSERT_FALSE(seen.opened_damaged) << seed;
    resumed += seen.resumed;
  }
  EXPECT_GT(resumed, 40u);
}

Task<absl::Status> MakeAndRemoveStorage(Env* env, bool* removed) {
  const StorageOptions options{.directory = StoreDirectory(StoreKind::kStorage, kId),
                               .identity = {},
                               .storage_id = kId,
                               .tag = {TagKind::kStorage, 0},
                               .generation = 1};
  CO_RETURN_IF_ERROR(co_await CreateStorage(*env, options));
  CO_RETURN_IF_ERROR(co_await RemoveStore(*env, options.directory));
  CO_ASSIGN_OR_RETURN(const std::vector<FoundStore> found, co_await FindStores(*env));
  *removed = found.empty();
  co_return absl::OkStatus();
}

TEST(StoreDirectoryTest, NothingOfAStorageServerStays) {
  KnobSet knobs;
  knobs.Add<DiskQueueKnobs>();
  knobs.Add<MemoryEngineKnobs>();
  bool removed = false;
  sim::World world(sim::World::Options{.seed = 1, .knobs = &knobs});
  sim::Machine& machine = world.AddMachine({.name = "m", .zone = "z"});
  world
      .AddProcess(machine,
                  {.name = "p",
                   .main = [&removed](Env& env) { return MakeAndRemoveStorage(&env, &removed); },
                   .supervised = false})
      .Start();
  ASSERT_TRUE(world.RunUntil(Time() + Seconds(10))) << world.failures()[0].text;
  EXPECT_TRUE(removed);
}

}  // namespace
}  // namespace orrery
