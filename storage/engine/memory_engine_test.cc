// Goal: after kills and losses of power at any moment, snapshots under way among them, the engine
// holds exactly the state of the last version that was acknowledged, or of the one under way,
// whole. Method: random batches on a simulated disk against std::map; failing operation 1, 2, 3,
// ...
#include "storage/engine/memory_engine.h"

#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <map>

#include "core/async/sleep.h"
#include "sim/world/world.h"
#include "storage/diskqueue/disk_queue_knobs.h"
#include "storage/diskqueue/testing/failing_files.h"
#include "storage/engine/memory_engine_knobs.h"

namespace orrery {
namespace {

using Model = std::map<std::string, std::string>;

struct Expected {
  Version version = kInvalidVersion;
  Model rows;
  // The commit under way when the process ended, if any.
  Version next_version = kInvalidVersion;
  Model next_rows;

  uint64_t lives = 0;
  uint64_t commits = 0;
  uint64_t full = 0;
  uint64_t next_found = 0;
  std::string wrong;

  void Expect(bool right, const std::string& what) {
    if (!right && wrong.empty()) wrong = "life " + std::to_string(lives) + ": " + what;
  }
};

Task<absl::StatusOr<std::unique_ptr<Engine>>> OpenOrCreate(Env* env, Expected* expected) {
  auto engine = co_await OpenMemoryEngine(*env, "data", {});
  if (CodeOf(engine.status()) != ErrorCode::file_not_found) co_return engine;
  expected->Expect(expected->version == kInvalidVersion, "the engine is gone");
  CO_RETURN_IF_ERROR(co_await CreateMemoryEngine(*env, "data", {}));
  co_return co_await OpenMemoryEngine(*env, "data", {});
}

// Reads everything, in pieces, and compares with what must be there.
Task<absl::Status> Check(Engine* engine, Expected* expected, Random* random) {
  const Version version = engine->durable_version();
  if (version == expected->next_version && version != kInvalidVersion) {
    expected->version = version;
    expected->rows = expected->next_rows;
    ++expected->next_found;
  }
  expected->next_version = kInvalidVersion;
  expected->Expect(version == expected->version, "version " + std::to_string(version) + ", not " +
                                                     std::to_string(expected->version));
  const bool reverse = random->Chance(OneIn(2));
  Model found;
  KeyRange left{"", "\xff\xff"};
  while (true) {
    const ScanLimit limit{.rows = random->Below(50) + 1, .bytes = random->Below(2000)};
    CO_ASSIGN_OR_RETURN(const ScanResult result,
                        co_await engine->Scan(left, version, limit, reverse));
    for (size_t i = 0; i < result.rows.size(); ++i) {
      found[std::string(result.rows[i].key)] = result.rows[i].value;
    }
    if (!result.more) break;
    if (reverse) {
      left.end = result.rows.back().key;
    } else {
      left.begin = KeyAfter(result.rows.back().key);
    }
  }
  expected->Expect(found == expected->rows, "rows differ at version " + std::to_string(version));
  co_return absl::OkStatus();
}

WriteBatch DrawBatch(Random& random, Model& rows) {
  WriteBatch batch;
  for (uint64_t n = random.Below(8); n > 0; --n) {
    const std::string key = "key" + std::to_string(random.Below(200));
    if (random.Chance(OneIn(8))) {
      const std::string end = "key" + std::to_string(random.Below(200));
      batch.Clear({key, end});
      if (key < end) rows.erase(rows.lower_bound(key), rows.lower_bound(end));
    } else {
      const std::string value(random.Below(400), static_cast<char>(random.Next()));
      batch.Set(key, value);
      rows[key] = value;
    }
  }
  return batch;
}

Task<absl::Status> Live(Env* env, Expected* expected, uint64_t seed, uint64_t commits) {
  Random random(seed);
  CO_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, co_await OpenOrCreate(env, expected));
  ++expected->lives;
  CO_RETURN_IF_ERROR(co_await Check(engine.get(), expected, &random));
  for (; commits > 0 && expected->wrong.empty(); --commits) {
    expected->next_rows = expected->rows;
    WriteBatch batch = DrawBatch(random, expected->next_rows);
    const Version version =
        std::max<Version>(expected->version, 0) + 1 + static_cast<Version>(random.Below(100));
    expected->next_version = version;
    absl::Status status = co_await engine->Commit(version, batch);
    while (CodeOf(status) == ErrorCode::disk_full) {
      ++expected->full;
      co_await Sleep(env->clock(), Milliseconds(2));
      status = co_await engine->Commit(version, batch);
    }
    CO_RETURN_IF_ERROR(status);
    ++expected->commits;
    expected->version = version;
    expected->rows = expected->next_rows;
    expected->next_version = kInvalidVersion;
    const std::string key = "key" + std::to_string(random.Below(200));
    CO_ASSIGN_OR_RETURN(const auto value, co_await engine->Get(key, version));
    const auto wanted = expected->rows.find(key);
    expected->Expect(value.has_value() ? wanted != expected->rows.end() && *value == wanted->second
                                       : wanted == expected->rows.end(),
                     "Get differs");
    expected->Expect(
        CodeOf((co_await engine->Get(key, version - 1)).status()) == ErrorCode::transaction_too_old,
        "an old version was read");
  }
  co_return absl::OkStatus();
}

class MemoryEngineTest : public testing::Test {
 protected:
  MemoryEngineTest() {
    knobs.Add<DiskQueueKnobs>();
    knobs.Add<MemoryEngineKnobs>();
    for (const char* knob : {"disk_queue_initial_bytes=65536", "disk_queue_growth_bytes=16384",
                             "disk_queue_bytes_max=800000", "memory_engine_log_bytes_min=20000",
                             "memory_engine_snapshot_piece_bytes=3000"}) {
      EXPECT_TRUE(knobs.SetFromText(knob).ok()) << knob;
    }
  }

  void Build(uint64_t seed) {
    world.reset();
    world = std::make_unique<sim::World>(sim::World::Options{.seed = seed, .knobs = &knobs});
    machine = &world->AddMachine({.name = "m", .zone = "z"});
    process = &world->AddProcess(
        *machine, {.name = "p",
                   .main = [this](Env& env) -> Task<absl::Status> { return body(env); },
                   .supervised = supervised});
  }

  // Runs `what` as one incarnation, then cuts the power.
  absl::Status Run(std::function<Task<absl::Status>(Env&)> what) {
    absl::Status result = Error(ErrorCode::timed_out);
    body = [&what, &result](Env& env) { return Keep(&what, &env, &result); };
    process->Start();
    world->RunUntil(world->Now() + Seconds(60));
    machine->PowerOff();
    machine->PowerOn();
    if (process->running()) process->Kill();
    return result;
  }
  static Task<absl::Status> Keep(std::function<Task<absl::Status>(Env&)>* what, Env* env,
                                 absl::Status* result) {
    *result = co_await (*what)(*env);
    co_return absl::OkStatus();
  }

  KnobSet knobs;
  bool supervised = false;
  std::function<Task<absl::Status>(Env&)> body;
  std::unique_ptr<sim::World> world;
  sim::Machine* machine = nullptr;
  sim::Process* process = nullptr;
};

TEST_F(MemoryEngineTest, SurvivesKillsAndPowerLosses) {
  supervised = true;
  Expected totals;
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    Expected expected;
    body = [&expected](Env& env) {
      return Live(&env, &expected, env.random("test").Next(), UINT64_MAX);
    };
    Build(seed);
    Random random = world->Stream("driver");
    process->Start();
    for (int round = 0; round < 25 && expected.wrong.empty(); ++round) {
      if (seed % 2 == 0 && random.Chance(OneIn(4))) machine->disk().FailNextSync();
      if (seed % 2 == 0 && random.Chance(OneIn(6))) machine->disk().SetCapacity(200 << 10);
      ASSERT_TRUE(world->RunUntil(world->Now() + random.Between(Duration(0), Milliseconds(150))));
      machine->disk().SetCapacity(UINT64_MAX);
      if (random.Chance(OneIn(2))) {
        machine->PowerOff();
        machine->PowerOn();
      } else {
        process->Kill();
      }
      if (!process->running()) process->Start();
    }
    machine->disk().HealAll();
    const uint64_t before = expected.commits;
    world->RunUntil(world->Now() + Seconds(5));
    EXPECT_GT(expected.commits, before + 50) << "seed " << seed << ": no progress when healed";
    ASSERT_EQ(expected.wrong, "") << "seed " << seed;
    ASSERT_GT(expected.commits, 100u) << "seed " << seed;
    totals.lives += expected.lives;
    totals.commits += expected.commits;
    totals.full += expected.full;
    totals.next_found += expected.next_found;
    if (seed % 10 == 0) continue;
  }
  EXPECT_GT(totals.full, 0u);
  EXPECT_GT(totals.next_found, 100u);
  std::cout << "lives " << totals.lives << ", commits " << totals.commits << ", full "
            << totals.full << ", commit under way found " << totals.next_found << "\n";
}

TEST_F(MemoryEngineTest, EveryFailingOperationIsSurvived) {
  for (const bool after : {false, true}) {
    for (const ErrorCode code : {ErrorCode::io_error, ErrorCode::disk_full}) {
      for (uint64_t fails = 1;; ++fails) {
        Build(1);
        Expected expected;
        bool fired = false;
        const absl::Status status = Run([&](Env& env) -> Task<absl::Status> {
          FailingEnv failing(env, fails, code, after);
          absl::Status end;
          for (uint64_t life = 1; life <= 2 && end.ok(); ++life) {
            end = co_await Live(&failing, &expected, life, 60);
          }
          fired = failing.files().fired();
          co_return end;
        });
        ASSERT_EQ(expected.wrong, "") << fails;
        if (!fired) {
          ASSERT_TRUE(status.ok()) << status;
          ASSERT_GT(fails, 100u);
          break;
        }
        const absl::Status again = Run([&](Env& env) -> Task<absl::Status> {
          co_return co_await Live(&env, &expected, 9, 1);
        });
        ASSERT_TRUE(again.ok()) << fails << ": " << Describe(again);
        ASSERT_EQ(expected.wrong, "") << fails;
      }
    }
  }
}

TEST_F(MemoryEngineTest, RefusesWhatIsNotItsOwn) {
  Build(1);
  const absl::Status status = Run([](Env& env) -> Task<absl::Status> {
    const auto code = [](const auto& result) { return CodeOf(result.status()); };
    StoreIdentity ours;
    ours.cluster[0] = 'c';
    EXPECT_EQ(code(co_await OpenMemoryEngine(env, "data", ours)), ErrorCode::file_not_found);
    CO_RETURN_IF_ERROR(co_await CreateMemoryEngine(env, "data", ours));
    EXPECT_EQ(CodeOf(co_await CreateMemoryEngine(env, "data", ours)), ErrorCode::file_exists);
    EXPECT_EQ(code(co_await OpenMemoryEngine(env, "data", {})), ErrorCode::wrong_cluster);
    {
      CO_ASSIGN_OR_RETURN(const auto engine, co_await OpenMemoryEngine(env, "data", ours));
      EXPECT_EQ(engine->durable_version(), kInvalidVersion);
      EXPECT_EQ(code(co_await OpenMemoryEngine(env, "data", ours)), ErrorCode::file_locked);
    }
    CO_ASSIGN_OR_RETURN(auto file, co_await env.files().Open("data/format", OpenMode::kExisting));
    CO_RETURN_IF_ERROR(co_await file->WriteDurable(8, Buffer::Copy("\2\0\0\0\2\0\0\0")));
    EXPECT_EQ(code(co_await OpenMemoryEngine(env, "data", ours)), ErrorCode::file_corrupt);
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(MemoryEngineTest, ADamagedSnapshotIsRefusedWithItsPlace) {
  Build(1);
  Expected expected;
  const absl::Status status = Run([&](Env& env) -> Task<absl::Status> {
    CO_RETURN_IF_ERROR(co_await Live(&env, &expected, 1, 300));
    CO_ASSIGN_OR_RETURN(auto file, co_await env.files().Open("data/snapshot", OpenMode::kExisting));
    CO_ASSIGN_OR_RETURN(const uint64_t size, co_await file->Size());
    CO_ASSIGN_OR_RETURN(const Buffer all, co_await file->Read(0, static_cast<uint32_t>(size)));
    for (uint64_t at = 0; at < size; at += 97) {
      const char flipped = static_cast<char>(all.data()[at] ^ 4);
      CO_RETURN_IF_ERROR(co_await file->Write(at, Buffer::Copy({&flipped, 1})));
      const auto opened = co_await OpenMemoryEngine(env, "data", {});
      EXPECT_EQ(CodeOf(opened.status()), ErrorCode::file_corrupt) << at;
      EXPECT_NE(opened.status().message().find("data/snapshot"), std::string::npos);
      EXPECT_NE(opened.status().message().find("offset"), std::string::npos);
      CO_RETURN_IF_ERROR(co_await file->Write(at, all.Slice(at, 1)));
    }
    for (uint64_t cut = size - 1; cut > size - 60; --cut) {
      CO_RETURN_IF_ERROR(co_await file->Truncate(cut));
      EXPECT_EQ(CodeOf((co_await OpenMemoryEngine(env, "data", {})).status()),
                ErrorCode::file_corrupt);
    }
    CO_RETURN_IF_ERROR(co_await file->Write(0, all));
    EXPECT_TRUE((co_await OpenMemoryEngine(env, "data", {})).ok());
    CO_RETURN_IF_ERROR(co_await env.files().Delete("data/snapshot"));
    EXPECT_EQ(CodeOf((co_await OpenMemoryEngine(env, "data", {})).status()),
              ErrorCode::file_corrupt);
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(expected.wrong, "");
}

}  // namespace
}  // namespace orrery
