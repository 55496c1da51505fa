// Goal: a storage server is made whole or not at all; it ends when it has lost its place in the
// log; it leaves the disk alone while nothing is written; it tells sizes, and refuses what is too
// much. Method: stories on a simulated machine; every file operation of its making fails in turn.
#include <gtest/gtest.h>

#include <deque>

#include "core/async/sleep.h"
#include "core/observe/metrics.h"
#include "core/rpc/rpc_knobs.h"
#include "sim/world/world.h"
#include "storage/diskqueue/disk_queue_knobs.h"
#include "storage/diskqueue/testing/failing_files.h"
#include "storage/engine/memory_engine_knobs.h"
#include "storage/log/mutation_codec.h"
#include "storage/server/private_mutations.h"
#include "storage/server/storage_files.h"
#include "storage/server/storage_knobs.h"
#include "storage/server/storage_methods.h"
#include "storage/server/storage_role.h"

namespace orrery {
namespace {

constexpr uint64_t kToken = 5;
constexpr Tag kTag{TagKind::kStorage, 4};

StorageOptions Options() {
  StorageOptions options;
  options.directory = "storage-4";
  options.storage_id = 1234;
  options.tag = kTag;
  options.generation = 9;
  return options;
}

std::string Batch(std::vector<Mutation> mutations) {
  MutationBatchWriter writer;
  for (const Mutation& mutation : mutations) writer.Add(std::span(&kTag, 1), mutation);
  return std::move(writer).Finish();
}

Mutation AssignAll() { return {MutationType::kSet, std::string(kAssignPrefix), "\xff\xff"}; }

// What a story feeds: a message, an empty version every `beat`, or an error.
struct Script {
  std::deque<std::pair<Version, std::string>> messages;
  Duration beat = Seconds(2);
  Version versions_per_beat = 2'000'000;
  absl::Status end;  // Given when the messages are used up, unless ok.
};

class ScriptSource final : public MessageSource {
 public:
  ScriptSource(Env& env, Script& script, Version after)
      : env_(env), script_(script), position_(after) {}

  Task<absl::StatusOr<LogCursor::Messages>> Next(uint32_t) override {
    LogCursor::Messages messages;
    if (!script_.messages.empty()) {
      const auto [version, batch] = script_.messages.front();
      script_.messages.pop_front();
      messages.attachment = Buffer::Copy(batch);
      messages.versions.push_back({version, messages.attachment.view()});
      messages.through = position_ = version;
      co_return messages;
    }
    CO_RETURN_IF_ERROR(script_.end);
    co_await Sleep(env_.clock(), script_.beat);
    messages.through = position_ += script_.versions_per_beat;
    co_return messages;
  }
  Task<> Pop(Version, uint64_t) override { co_return; }

 private:
  Env& env_;
  Script& script_;
  Version position_;
};

class StorageRoleTest : public testing::Test {
 protected:
  StorageRoleTest() {
    knobs.Add<RpcKnobs>();
    knobs.Add<DiskQueueKnobs>();
    knobs.Add<MemoryEngineKnobs>();
    knobs.Add<StorageKnobs>();
    Set("disk_queue_initial_bytes=65536");
  }
  void Set(const char* knob) { ASSERT_TRUE(knobs.SetFromText(knob).ok()) << knob; }

  // Runs `main` as a process for at most `time`; its end, or nothing.
  std::optional<absl::Status> Run(sim::ProcessMain main, Duration time) {
    world = std::make_unique<sim::World>(
        sim::World::Options{.seed = 1, .knobs = &knobs, .buggify = false});
    sim::Machine& machine = world->AddMachine({.name = "m", .zone = "z"});
    address = machine.address(4500);
    std::optional<absl::Status> end;
    sim::Process& process =
        world->AddProcess(machine, {.name = "p",
                                    .main = [&](Env& env) -> Task<absl::Status> {
                                      absl::Status status = co_await main(env);
                                      end = status;
                                      co_return status;
                                    },
                                    .supervised = false});
    process.Start();
    world->RunUntil(world->Now() + time);
    return end;
  }

  // Serves the script, and runs `story` as its client beside it.
  using Story = std::function<Task<absl::Status>(Env&, RpcClient&, Endpoint)>;
  Task<absl::Status> Serve(Env& env, Script& script, Story story) {
    CO_RETURN_IF_ERROR(co_await CreateStorage(env, Options()));
    RpcIdentity identity;
    identity.incarnation = DrawIncarnation(env);
    RpcClient rpc(env, identity);
    RpcServer server(env, identity);
    CO_RETURN_IF_ERROR(server.Listen(address));
    Promise<absl::Status> ready;
    Future<absl::Status> served = ready.future();
    MakeMessageSource make = [&env, &script](Version after) {
      return std::make_unique<ScriptSource>(env, script, after);
    };
    TaskGroup group(env.executor(), [](std::string_view, absl::Status) {});
    Future<absl::Status> end = group.Start(
        "storage", RunStorageFrom(RoleContext{env, server, rpc, kToken, std::move(ready)},
                                  Options(), std::move(make)));
    CO_RETURN_IF_ERROR(co_await std::move(served));
    CO_RETURN_IF_ERROR(co_await story(env, rpc, Endpoint(address, 0, kToken)));
    co_return co_await std::move(end);
  }

  KnobSet knobs;
  std::unique_ptr<sim::World> world;
  NetworkAddress address;
};

Task<absl::Status> NoStory(Env&, RpcClient&, Endpoint) { co_return absl::OkStatus(); }

TEST_F(StorageRoleTest, IsMadeWholeOrNotAtAll) {
  for (const bool after : {false, true}) {
    bool fired = true;
    for (uint64_t fails = 1; fired; ++fails) {
      const auto end = Run(
          [&](Env& env) -> Task<absl::Status> {
            FailingEnv failing(env, fails, ErrorCode::io_error, after);
            const absl::Status made = co_await CreateStorage(failing, Options());
            fired = failing.files().fired();
            EXPECT_EQ(made.ok(), !fired) << fails;
            const auto found = co_await DescribeStorage(env, Options().directory, {});
            EXPECT_TRUE(found.ok() || CodeOf(found.status()) == ErrorCode::file_not_found)
                << Describe(found.status());
            CO_RETURN_IF_ERROR(co_await CreateStorage(env, Options()));
            CO_RETURN_IF_ERROR((co_await OpenStorage(env, Options())).status());
            CO_ASSIGN_OR_RETURN(const StoredStorage stored,
                                co_await DescribeStorage(env, Options().directory, {}));
            EXPECT_EQ(stored.storage_id, 1234u);
            EXPECT_EQ(stored.tag, kTag);
            EXPECT_EQ(stored.generation, 9u);
            StorageOptions other = Options();
            other.tag.id = 5;
            EXPECT_EQ(CodeOf(co_await CreateStorage(env, other)), ErrorCode::file_exists);
            EXPECT_EQ(CodeOf((co_await OpenStorage(env, other)).status()),
                      ErrorCode::wrong_cluster);
            co_return absl::OkStatus();
          },
          Seconds(100));
      ASSERT_TRUE(end.has_value() && end->ok()) << fails << ": " << Describe(*end);
      if (!fired) ASSERT_GT(fails, 8u);
    }
  }
}

TEST_F(StorageRoleTest, EndsWhenItHasLostItsPlace) {
  Script script;
  script.messages.push_back({10, Batch({AssignAll()})});
  script.end = Error(ErrorCode::transaction_too_old);
  const auto end = Run([&](Env& env) { return Serve(env, script, NoStory); }, Seconds(10));
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(CodeOf(*end), ErrorCode::transaction_too_old);
}

TEST_F(StorageRoleTest, EndsWhenMessagesAreNoBatches) {
  Script script;
  script.messages.push_back({10, "rubbish"});
  const auto end = Run([&](Env& env) { return Serve(env, script, NoStory); }, Seconds(10));
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(CodeOf(*end), ErrorCode::file_corrupt);
}

TEST_F(StorageRoleTest, LeavesTheDiskAloneWhileNothingIsWritten) {
  Script script;
  script.messages.push_back({10, Batch({AssignAll(), {MutationType::kSet, "a", "1"}})});
  uint64_t commits[2] = {};
  const Story story = [&](Env& env, RpcClient&, Endpoint) -> Task<absl::Status> {
    const auto count = [&env] {
      const Metric* const metric = env.metrics().Find("storage_commit", {{"tag", "4"}});
      return std::get<Histogram>(metric->value).count();
    };
    co_await Sleep(env.clock(), Seconds(20));
    commits[0] = count();
    co_await Sleep(env.clock(), Seconds(600));
    commits[1] = count();
    co_return absl::OkStatus();
  };
  Run([&](Env& env) { return Serve(env, script, story); }, Seconds(700));
  EXPECT_EQ(commits[0], 1u);
  // One for each storage_empty_commit_versions.
  EXPECT_GE(commits[1], 8u);
  EXPECT_LE(commits[1], 11u);
}

TEST_F(StorageRoleTest, TellsSizes) {
  Script script;
  std::vector<Mutation> rows{AssignAll()};
  for (int n = 0; n < 20'000; ++n) {
    rows.push_back({MutationType::kSet, "row" + std::to_string(100'000 + n), std::string(91, 'v')});
  }
  script.messages.push_back({10, Batch(std::move(rows))});
  bool told = false;
  const Story story = [&](Env& env, RpcClient& rpc, Endpoint to) -> Task<absl::Status> {
    co_await Sleep(env.clock(), Seconds(1));
    Message<EstimateRangeRequest> request;
    request.header.set_begin("row105000");
    request.header.set_end("row115000");
    request.header.set_chunk_bytes(250'000);
    CO_ASSIGN_OR_RETURN(const auto reply,
                        co_await rpc.Call(to, kEstimateRange, std::move(request), Seconds(5)));
    EXPECT_GT(reply.header.bytes(), 600'000u);
    EXPECT_LT(reply.header.bytes(), 1'400'000u);
    EXPECT_GE(reply.header.split_keys_size(), 2);
    EXPECT_LE(reply.header.split_keys_size(), 5);
    CO_ASSIGN_OR_RETURN(const auto status, co_await rpc.Call(to, kStorageStatus, {}, Seconds(5)));
    EXPECT_EQ(status.header.mutations(), 20'001u);
    EXPECT_EQ(status.header.version(), 10);
    EXPECT_EQ(status.header.storage_id(), 1234u);
    told = true;
    co_return absl::OkStatus();
  };
  Run([&](Env& env) { return Serve(env, script, story); }, Seconds(20));
  EXPECT_TRUE(told);
}

TEST_F(StorageRoleTest, RefusesReadsThatWouldWaitInTooManyBytes) {
  Set("storage_waiting_reads_bytes_max=3000");
  Script script;
  script.messages.push_back({10, Batch({AssignAll()})});
  uint64_t overloaded = 0;
  uint64_t future = 0;
  const Story story = [&](Env& env, RpcClient& rpc, Endpoint to) -> Task<absl::Status> {
    TaskGroup group(env.executor(), [](std::string_view, absl::Status) {});
    std::vector<Future<absl::StatusOr<Message<GetValueReply>>>> reads;
    for (int n = 0; n < 5; ++n) {
      Message<GetValueRequest> request;
      request.header.set_key("a");
      request.header.set_version(1'000'000'000);
      reads.push_back(group.Start("read", rpc.Call(to, kGetValue, std::move(request), Seconds(5))));
    }
    for (auto& read : reads) {
      const auto reply = co_await std::move(read);
      overloaded += CodeOf(reply.status()) == ErrorCode::overloaded;
      future += CodeOf(reply.status()) == ErrorCode::future_version;
    }
    co_return absl::OkStatus();
  };
  Run([&](Env& env) { return Serve(env, script, story); }, Seconds(20));
  EXPECT_EQ(overloaded, 3u);
  EXPECT_EQ(future, 2u);
}

}  // namespace
}  // namespace orrery
