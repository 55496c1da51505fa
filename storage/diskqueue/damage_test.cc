// Goal: every failing file operation, every rotten page and every lost or misdirected write is seen
// and costs nothing that was acknowledged. Method: a fixed scenario on a simulated disk, with
// operation 1, 2, 3, ... failing until it passes; then each page of its file damaged in turn.
#include <gtest/gtest.h>

#include "sim/world/world.h"
#include "storage/diskqueue/testing/failing_files.h"
#include "storage/diskqueue/testing/queue_model.h"

namespace orrery {
namespace {

using Body = std::function<Task<absl::Status>(Env&)>;

// One process on one disk; each Run is an incarnation.
class DamageTest : public testing::Test {
 protected:
  DamageTest() { Reset(); }

  void Reset() {
    world.reset();
    if (knobs == nullptr) {
      knobs = std::make_unique<KnobSet>();
      knobs->Add<DiskQueueKnobs>();
      EXPECT_TRUE(knobs->Set("disk_queue_initial_bytes", "65536").ok());
      EXPECT_TRUE(knobs->Set("disk_queue_growth_bytes", "4096").ok());
    }
    world = std::make_unique<sim::World>(
        sim::World::Options{.seed = 1, .knobs = knobs.get(), .buggify = false});
    machine = &world->AddMachine({.name = "m", .zone = "z"});
    process = &world->AddProcess(
        *machine,
        {.name = "p", .main = [this](Env& env) { return Main(&env); }, .supervised = false});
  }

  // Runs `body` in a new incarnation, then cuts the power.
  absl::Status Run(Body what) {
    body = std::move(what);
    result = Error(ErrorCode::timed_out);
    process->Start();
    world->RunUntil(world->Now() + Seconds(60));
    machine->PowerOff();
    machine->PowerOn();
    if (process->running()) process->Kill();
    return result;
  }

  Task<absl::Status> Main(Env* env) {
    if (body) result = co_await body(*env);
    body = nullptr;
    co_return absl::OkStatus();
  }

  // Pushes, commits, pops and reads enough to grow the file, wrap around in it and open it again.
  static Task<absl::Status> Scenario(Env* env, QueueModel* model) {
    for (uint64_t life = 0; life < 3; ++life) {
      QueueUser user(*env, *model, life);
      CO_RETURN_IF_ERROR(co_await user.Run(60));
    }
    co_return absl::OkStatus();
  }

  static Task<absl::Status> CommitTenPages(Env* env, QueueModel* model) {
    CO_RETURN_IF_ERROR(co_await OpenAndCheck(env, model));
    CO_ASSIGN_OR_RETURN(auto queue, co_await DiskQueue::Open(*env, "queue", {}));
    for (int i = 0; i < 10; ++i) {
      const std::string bytes(3000, static_cast<char>('a' + i));
      CO_RETURN_IF_ERROR(co_await queue->MakeRoom(bytes.size()));
      CO_ASSIGN_OR_RETURN(const Location location, queue->Push(bytes));
      model->entries.push_back({location, bytes, 0});
      CO_RETURN_IF_ERROR(co_await queue->Commit());
      model->committed = location + 1;
    }
    co_return absl::OkStatus();
  }

  static Task<absl::Status> OpenAndCheck(Env* env, QueueModel* model) {
    QueueUser user(*env, *model, 9);
    co_return co_await user.Run(0);
  }

  std::unique_ptr<KnobSet> knobs;
  std::unique_ptr<sim::World> world;
  sim::Machine* machine = nullptr;
  sim::Process* process = nullptr;
  Body body;
  absl::Status result;
};

TEST_F(DamageTest, EveryFailingOperationIsSurvived) {
  for (const ErrorCode code : {ErrorCode::io_error, ErrorCode::disk_full}) {
    for (const bool after : {false, true}) {
      uint64_t failed = 0;
      for (uint64_t fails = 1;; ++fails) {
        Reset();
        QueueModel model;
        bool fired = false;
        const absl::Status status = Run([&](Env& env) -> Task<absl::Status> {
          FailingEnv failing(env, fails, code, after);
          const absl::Status end = co_await Scenario(&failing, &model);
          fired = failing.files().fired();
          co_return end;
        });
        ASSERT_EQ(model.wrong, "") << fails;
        if (!fired) {
          ASSERT_TRUE(status.ok()) << status;
          break;
        }
        failed += status.ok() ? 0 : 1;
        const absl::Status again =
            Run([&](Env& env) -> Task<absl::Status> { return OpenAndCheck(&env, &model); });
        ASSERT_TRUE(again.ok()) << fails << ": " << again;
        ASSERT_EQ(model.wrong, "") << fails;
      }
      EXPECT_GT(failed, 50u);
    }
  }
}

TEST_F(DamageTest, AfterAFailedSyncNothingIsAcknowledged) {
  const absl::Status status = Run([this](Env& env) -> Task<absl::Status> {
    CO_RETURN_IF_ERROR(co_await DiskQueue::Create(env, "queue", {}));
    CO_ASSIGN_OR_RETURN(auto queue, co_await DiskQueue::Open(env, "queue", {}));
    CO_RETURN_IF_ERROR(queue->Push("one").status());
    machine->disk().FailNextSync();
    EXPECT_EQ(CodeOf(co_await queue->Commit()), ErrorCode::io_error);
    EXPECT_EQ(CodeOf(co_await queue->Commit()), ErrorCode::io_error);
    EXPECT_EQ(CodeOf(queue->Push("two").status()), ErrorCode::io_error);
    EXPECT_EQ(CodeOf(queue->Pop(queue->begin())), ErrorCode::io_error);
    EXPECT_EQ(CodeOf(co_await queue->MakeRoom(1)), ErrorCode::io_error);
    const auto read = co_await queue->Read(queue->begin(), queue->begin(), 1);
    EXPECT_EQ(CodeOf(read.status()), ErrorCode::io_error);
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

// Sets the page at `slot` to `bytes`; gives what was there.
Task<absl::StatusOr<Buffer>> Replace(Env* env, uint64_t slot, Buffer bytes) {
  CO_ASSIGN_OR_RETURN(auto file, co_await env->files().Open("queue", OpenMode::kExisting));
  CO_ASSIGN_OR_RETURN(Buffer old, co_await file->Read(slot * kPageBytes, kPageBytes));
  CO_RETURN_IF_ERROR(co_await file->WriteDurable(slot * kPageBytes, std::move(bytes)));
  co_return old;
}

enum class Damage { kBit, kZeros, kOtherPage };

TEST_F(DamageTest, DamageAtOrBelowDIsReportedWithItsPlaceAndAboveDCut) {
  for (const Damage damage : {Damage::kBit, Damage::kZeros, Damage::kOtherPage}) {
    uint64_t corrupt = 0;
    uint64_t harmless = 0;
    uint64_t slots = 17;
    for (uint64_t slot = 0; slot < slots; ++slot) {
      Reset();
      QueueModel model;
      const absl::Status status = Run([&](Env& env) -> Task<absl::Status> {
        CO_RETURN_IF_ERROR(co_await Scenario(&env, &model));
        CO_RETURN_IF_ERROR(co_await CommitTenPages(&env, &model));
        CO_ASSIGN_OR_RETURN(auto file, co_await env.files().Open("queue", OpenMode::kExisting));
        CO_ASSIGN_OR_RETURN(const uint64_t bytes, co_await file->Size());
        slots = bytes / kPageBytes;
        CO_ASSIGN_OR_RETURN(const Buffer old, co_await file->Read(slot * kPageBytes, kPageBytes));
        std::string changed(old.view());
        if (damage == Damage::kBit) changed[kPageHeaderBytes / 2] ^= 1;
        if (damage == Damage::kZeros) changed.assign(kPageBytes, '\0');
        if (damage == Damage::kOtherPage) {
          const uint64_t other = (slot + 1) % slots * kPageBytes;
          CO_ASSIGN_OR_RETURN(const Buffer page, co_await file->Read(other, kPageBytes));
          changed = page.view();
        }
        co_return (co_await Replace(&env, slot, Buffer::Copy(changed))).status();
      });
      ASSERT_TRUE(status.ok()) << status;
      ASSERT_EQ(model.wrong, "");
      const Location committed = model.committed;
      model.damaged = true;
      model.committed = model.popped_durable = 0;  // The last group is above D, and may be cut.
      const absl::Status opened =
          Run([&](Env& env) -> Task<absl::Status> { return OpenAndCheck(&env, &model); });
      ASSERT_EQ(model.wrong, "") << slot;
      if (opened.ok()) {
        ++harmless;
        EXPECT_TRUE(model.entries.empty() || committed == 0 ||
                    model.entries.back().location + 5 * kPagePayloadBytes > committed);
      } else {
        ++corrupt;
        ASSERT_EQ(CodeOf(opened), ErrorCode::file_corrupt) << opened;
        const std::string place = "offset " + std::to_string(slot * kPageBytes) + " ";
        EXPECT_NE((std::string(opened.message()) + " ").find(place), std::string::npos)
            << opened.message() << " does not name " << place;
      }
    }
    EXPECT_GT(corrupt, 8u);
    EXPECT_GT(harmless, 2u);
  }
}

TEST_F(DamageTest, ALostWriteIsCorruptionOnceALaterGroupIsThere) {
  const absl::Status status = Run([this](Env& env) -> Task<absl::Status> {
    CO_RETURN_IF_ERROR(co_await DiskQueue::Create(env, "queue", {}));
    CO_ASSIGN_OR_RETURN(auto queue, co_await DiskQueue::Open(env, "queue", {}));
    CO_RETURN_IF_ERROR(queue->Push("one").status());
    machine->disk().LoseNextWrite();
    CO_RETURN_IF_ERROR(co_await queue->Commit());
    CO_RETURN_IF_ERROR(queue->Push("two").status());
    CO_RETURN_IF_ERROR(co_await queue->Commit());
    queue.reset();
    const auto again = co_await DiskQueue::Open(env, "queue", {});
    EXPECT_EQ(CodeOf(again.status()), ErrorCode::file_corrupt) << again.status();
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(DamageTest, AnUnreadableSectorConcernsItsPagesOnly) {
  const absl::Status status = Run([this](Env& env) -> Task<absl::Status> {
    CO_RETURN_IF_ERROR(co_await DiskQueue::Create(env, "queue", {}));
    CO_ASSIGN_OR_RETURN(auto queue, co_await DiskQueue::Open(env, "queue", {}));
    for (int i = 0; i < 5; ++i) {
      CO_RETURN_IF_ERROR(queue->Push(std::string(3000, 'x')).status());
      CO_RETURN_IF_ERROR(co_await queue->Commit());
    }
    machine->disk().FailReads(1);
    const auto read = co_await queue->Read(queue->begin(), queue->durable_end(), 100);
    EXPECT_EQ(CodeOf(read.status()), ErrorCode::io_error);
    machine->disk().HealAll();
    const auto again = co_await queue->Read(queue->begin(), queue->durable_end(), 100);
    EXPECT_TRUE(again.ok() && again->size() == 1);
    CO_RETURN_IF_ERROR(queue->Push("more").status());
    co_return co_await queue->Commit();
  });
  EXPECT_TRUE(status.ok()) << status;
}

// Sectors that cannot be read while the queue is opened, others each time: it opens with all that
// was committed, or not at all, and then with all once the disk reads again.
TEST_F(DamageTest, AnUnreadableSectorCutsNothing) {
  int refused = 0;
  for (uint32_t one_in = 1; one_in <= 40; ++one_in) {
    Reset();
    QueueModel model;
    const absl::Status status = Run([&](Env& env) -> Task<absl::Status> {
      CO_RETURN_IF_ERROR(co_await Scenario(&env, &model));
      co_return co_await CommitTenPages(&env, &model);
    });
    ASSERT_TRUE(status.ok()) << status;
    machine->disk().FailReads(one_in);
    const absl::Status opened =
        Run([&](Env& env) -> Task<absl::Status> { return OpenAndCheck(&env, &model); });
    ASSERT_EQ(model.wrong, "") << one_in;
    if (!opened.ok()) {
      ++refused;
      ASSERT_EQ(CodeOf(opened), ErrorCode::io_error) << opened;
      EXPECT_NE(opened.message().find("queue: "), std::string::npos) << opened;
    }
    machine->disk().HealAll();
    const absl::Status healed =
        Run([&](Env& env) -> Task<absl::Status> { return OpenAndCheck(&env, &model); });
    ASSERT_TRUE(healed.ok()) << healed;
    ASSERT_EQ(model.wrong, "") << one_in;
  }
  EXPECT_GT(refused, 10);
}

}  // namespace
}  // namespace orrery
