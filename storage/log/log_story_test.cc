// Goal: single promises of the log server, its files and the cursor, each in a story of its own.
// Method: one to three hosts of logs in a quiet world; a script in the driver's process, and faults
// from outside of it at the right moment.
#include <gtest/gtest.h>

#include <functional>

#include "storage/log/mutation_codec.h"
#include "storage/log/testing/log_cluster.h"

namespace orrery {
namespace {

using log_testing::Host;
using log_testing::Order;
using sim::Machine;
using sim::World;

constexpr Version kRecoveryVersion = 100;
constexpr Duration kTimeout = Seconds(10);
constexpr Tag kTag{TagKind::kStorage, 0};

using Script = std::function<Task<absl::Status>(Env&, RpcClient&)>;

Task<absl::Status> RunScripts(Env* env, std::vector<Script>* scripts, absl::Status* failed) {
  RpcClient rpc(*env, {"logs", "driver", 0});
  TaskGroup tasks(env->executor(), [failed](std::string_view, absl::Status s) { *failed = s; });
  for (;;) {
    for (size_t i = 0; i < scripts->size(); ++i) {
      if (!(*scripts)[i]) continue;
      // The closure lives in a frame of its own as long as its coroutine.
      tasks.Spawn("script", [](Script script, Env* e, RpcClient* r) -> Task<absl::Status> {
        co_return co_await script(*e, *r);
      }(std::exchange((*scripts)[i], nullptr), env, &rpc));
    }
    co_await Sleep(env->clock(), Milliseconds(1));
  }
}

Buffer OneMutation(Version version, size_t bytes = 100) {
  MutationBatchWriter writer;
  const std::vector<Tag> tags = {kTag};
  writer.Add(tags, {MutationType::kSet, std::to_string(version), std::string(bytes, 'v')});
  return Buffer::Copy(std::move(writer).Finish());
}

template <class Result>
ErrorCode CodeOfResult(const Result& result) {
  return result->has_value() ? CodeOf((*result)->status()) : ErrorCode::operation_cancelled;
}

class LogStoryTest : public ::testing::Test {
 protected:
  LogStoryTest() { log_testing::AddKnobs(knobs_); }

  // Hosts with one log each, made from nothing.
  void Start(size_t count) {
    world_ = std::make_unique<World>(World::Options{.seed = 7, .knobs = &knobs_, .buggify = false});
    hosts_.resize(count);
    for (size_t i = 0; i < count; ++i) {
      const std::string n = std::to_string(i);
      Machine& machine = world_->AddMachine({.name = "m" + n, .zone = "z" + n});
      hosts_[i].address = machine.address(log_testing::kPort);
      hosts_[i].zone = machine.spec().zone;
      world_->AddProcess(machine, {.name = "log" + n, .main = [host = &hosts_[i]](Env& env) {
                                     return log_testing::RunHost(&env, host);
                                   }});
    }
    Machine& machine = world_->AddMachine({.name = "driver", .zone = "z"});
    world_->AddProcess(machine, {.name = "driver", .main = [this](Env& env) {
                                   return RunScripts(&env, &scripts_, &failed_);
                                 }});
    for (const auto& process : world_->processes()) process->Start();
    Run(Milliseconds(100));
    set_ = Recruit(1, {}, kRecoveryVersion);
  }

  void Run(Duration d) {
    ASSERT_TRUE(world_->RunUntil(world_->Now() + d)) << world_->failures()[0].text;
    ASSERT_TRUE(failed_.ok()) << Describe(failed_);
  }

  LogSet Recruit(uint64_t generation, LogSet from, Version recovery_version) {
    LogSet set;
    set.set_generation(generation);
    set.set_replication(static_cast<uint32_t>(hosts_.size()));
    set.set_begin(from.logs_size() > 0 ? kRecoveryVersion : recovery_version);
    set.set_end(-1);
    std::vector<std::shared_ptr<Order>> orders;
    for (size_t i = 0; i < hosts_.size(); ++i) {
      auto order = std::make_shared<Order>();
      LogMember& log = *set.add_logs();
      log.set_log_id(generation * 10 + i);
      log.set_zone(hosts_[i].zone);
      *log.mutable_endpoint() =
          ToMessage(Endpoint(hosts_[i].address, kAnyIncarnation, log.log_id()));
      order->options = {.directory = log_testing::DirectoryOf(log.log_id()),
                        .log_id = log.log_id(),
                        .generation = generation,
                        .recovery_version = recovery_version};
      if (from.logs_size() > 0) {
        order->options.copy_tags = {kTag};
        order->options.copy_after = kRecoveryVersion;
        order->options.copy_from = from;
      }
      hosts_[i].orders.push_back(order);
      orders.push_back(order);
    }
    Run(Seconds(3));
    for (const auto& order : orders) {
      EXPECT_TRUE(order->ready.has_value() && order->ready->ok());
    }
    return set;
  }

  Machine& machine(size_t i) { return *world_->machines()[i]; }
  Endpoint At(size_t i) { return FromMessage(set_.logs(static_cast<int>(i)).endpoint()); }

  // Starts a call; its result is in the returned place once it has one.
  template <class Req, class Rep>
  auto Call(size_t log, Method<Req, Rep> method, Message<Req> request) {
    auto result = std::make_shared<std::optional<absl::StatusOr<Message<Rep>>>>();
    scripts_.push_back(
        [this, log, method, request, result](Env&, RpcClient& rpc) -> Task<absl::Status> {
          result->emplace(co_await rpc.Call(At(log), method, request, kTimeout));
          co_return absl::OkStatus();
        });
    return result;
  }

  auto Push(size_t log, Version previous, Version version, size_t bytes = 100) {
    Message<PushRequest> request;
    request.header.set_previous_version(previous);
    request.header.set_version(version);
    request.header.set_known_committed(previous);
    request.attachment = OneMutation(version, bytes);
    return Call(log, kPush, std::move(request));
  }

  auto Peek(size_t log, Version after, Version through) {
    Message<PeekRequest> request;
    request.header.set_after(after);
    request.header.set_through(through);
    request.header.set_bytes_max(1 << 20);
    return Call(log, kPeek, std::move(request));
  }

  void PopOk(size_t log, Version version) {
    Message<PopRequest> request;
    request.header.set_version(version);
    const auto popped = Call(log, kPop, std::move(request));
    Run(Milliseconds(50));
    EXPECT_EQ(CodeOfResult(popped), ErrorCode::ok);
  }

  void PushOk(size_t log, Version previous, Version version, size_t bytes = 100) {
    const auto pushed = Push(log, previous, version, bytes);
    Run(Milliseconds(200));
    ASSERT_TRUE(pushed->has_value());
    ASSERT_TRUE((*pushed)->ok()) << Describe((*pushed)->status());
  }

  void Restart(size_t log) {
    machine(log).PowerOff();
    machine(log).PowerOn();
    if (!machine(log).processes()[0]->running()) machine(log).processes()[0]->Start();
    Run(Seconds(3));
    Call(log, kConfirmRunning, Message<ConfirmRequest>());  // Finds the old connection dead.
    Run(Seconds(1));
  }

  KnobSet knobs_;
  std::vector<Host> hosts_;
  std::vector<Script> scripts_;
  absl::Status failed_;
  LogSet set_;
  LogSystemView view_;
  std::unique_ptr<World> world_;  // Last: its processes use the rest.
};

TEST_F(LogStoryTest, NothingIsAnsweredBeforeItIsSynced) {
  Start(1);
  PushOk(0, 100, 101);
  machine(0).disk().StallUntil(world_->Now() + Seconds(2));
  const auto first = Push(0, 101, 102);
  Run(Milliseconds(200));
  const auto second = Push(0, 102, 103);
  Run(Milliseconds(200));
  const auto again = Push(0, 101, 102);
  const auto peek = Peek(0, 101, 1000);
  Run(Milliseconds(200));
  const auto lock = Call(0, kLockLog, Message<LockRequest>());
  const auto late = Push(0, 103, 104);
  Run(Milliseconds(500));
  EXPECT_FALSE(first->has_value());
  EXPECT_FALSE(again->has_value());
  EXPECT_FALSE(peek->has_value());
  EXPECT_FALSE(lock->has_value());
  EXPECT_EQ(CodeOfResult(late), ErrorCode::generation_ended);
  Run(Seconds(3));
  EXPECT_EQ(CodeOfResult(first), ErrorCode::ok);
  EXPECT_EQ(CodeOfResult(again), ErrorCode::ok);
  ASSERT_EQ(CodeOfResult(lock), ErrorCode::ok);
  EXPECT_EQ((**lock)->header.end(), 103);
  EXPECT_EQ(CodeOfResult(second), ErrorCode::ok);
  ASSERT_EQ(CodeOfResult(peek), ErrorCode::ok);
  EXPECT_GE((**peek)->header.through(), 102);
}

TEST_F(LogStoryTest, ARestartedLogIsLockedAndHasEverything) {
  Start(1);
  PushOk(0, 100, 101);
  PushOk(0, 101, 105);
  Restart(0);
  const auto confirm = Call(0, kConfirmRunning, Message<ConfirmRequest>());
  const auto next = Push(0, 105, 106);
  const auto again = Push(0, 101, 105);
  const auto lock = Call(0, kLockLog, Message<LockRequest>());
  const auto peek = Peek(0, 100, 105);
  Run(Seconds(1));
  EXPECT_EQ(CodeOfResult(confirm), ErrorCode::generation_ended);
  EXPECT_EQ(CodeOfResult(next), ErrorCode::generation_ended);
  EXPECT_EQ(CodeOfResult(again), ErrorCode::ok);
  ASSERT_EQ(CodeOfResult(lock), ErrorCode::ok);
  EXPECT_EQ((**lock)->header.end(), 105);
  EXPECT_EQ((**lock)->header.known_committed(), 105);  // As the refused push said.
  ASSERT_EQ(CodeOfResult(peek), ErrorCode::ok);
  EXPECT_EQ((**peek)->attachment.size(), 2 * (12 + OneMutation(101).size()));
}

TEST_F(LogStoryTest, AHoleInTheChainEndsTheGeneration) {
  ASSERT_TRUE(knobs_.Set("log_chain_wait_max", "2s").ok());
  Start(1);
  const auto after_hole = Push(0, 105, 110);
  Run(Seconds(1));
  EXPECT_FALSE(after_hole->has_value());
  Run(Milliseconds(1500));
  EXPECT_EQ(CodeOfResult(after_hole), ErrorCode::generation_ended);
  const auto later = Push(0, 105, 110);
  Run(Milliseconds(500));
  PushOk(0, 100, 105);  // The hole is closed in time.
  Run(Milliseconds(100));
  EXPECT_EQ(CodeOfResult(later), ErrorCode::ok);
  const auto off_chain = Push(0, 107, 111);
  Run(Milliseconds(100));
  EXPECT_EQ(CodeOfResult(off_chain), ErrorCode::generation_ended);
}

TEST_F(LogStoryTest, AFullLogReportsItThenLocksItself) {
  ASSERT_TRUE(knobs_.Set("disk_queue_initial_bytes", "65536").ok());
  ASSERT_TRUE(knobs_.Set("disk_queue_bytes_max", "262144").ok());
  ASSERT_TRUE(knobs_.Set("log_reserve_bytes", "40000").ok());
  Start(1);
  Version version = 100;
  uint64_t room = UINT64_MAX;
  uint64_t accepted_without_room = 0;
  for (;;) {
    const auto pushed = Push(0, version, version + 1, 5000);
    Run(Milliseconds(200));
    if (CodeOfResult(pushed) == ErrorCode::generation_ended) break;
    ASSERT_EQ(CodeOfResult(pushed), ErrorCode::ok);
    ++version;
    EXPECT_LE((**pushed)->header.room_bytes(), room);
    room = (**pushed)->header.room_bytes();
    if (room == 0) ++accepted_without_room;
  }
  EXPECT_EQ(room, 0u);
  EXPECT_GT(accepted_without_room, 4u);  // The reserve.
  const auto confirm = Call(0, kConfirmRunning, Message<ConfirmRequest>());
  const auto lock = Call(0, kLockLog, Message<LockRequest>());
  const auto peek = Peek(0, 100, version);
  Run(Seconds(1));
  EXPECT_EQ(CodeOfResult(confirm), ErrorCode::generation_ended);
  ASSERT_EQ(CodeOfResult(lock), ErrorCode::ok);
  EXPECT_EQ((**lock)->header.end(), version);
  ASSERT_EQ(CodeOfResult(peek), ErrorCode::ok);
  EXPECT_EQ((**peek)->header.through(), version);
}

// One log on a disk that is full: what its file has is all there is.
class FullDiskTest : public LogStoryTest {
 protected:
  void StartFull(const std::string& grow_ahead_and_reserve) {
    ASSERT_TRUE(knobs_.Set("disk_queue_initial_bytes", "1048576").ok());
    ASSERT_TRUE(knobs_.Set("disk_queue_growth_bytes", "65536").ok());
    ASSERT_TRUE(knobs_.Set("log_grow_ahead_bytes", grow_ahead_and_reserve).ok());
    ASSERT_TRUE(knobs_.Set("log_reserve_bytes", grow_ahead_and_reserve).ok());
    ASSERT_TRUE(knobs_.Set("log_trim_bytes_min", "4096").ok());
    Start(1);
    machine(0).disk().SetCapacity(machine(0).disk().used_bytes());
  }

  // What the log says after a push of so many bytes.
  uint64_t RoomAfter(size_t bytes) {
    const auto pushed = Push(0, version_, version_ + 1, bytes);
    Run(Milliseconds(200));
    EXPECT_EQ(CodeOfResult(pushed), ErrorCode::ok) << version_;
    ++version_;
    return CodeOfResult(pushed) == ErrorCode::ok ? (**pushed)->header.room_bytes() : 0;
  }

  Version version_ = 100;
};

// A proxy that refuses what adds data while there is no room, and goes on with empty pushes, keeps
// its generation; and hears of the room that there is again.
TEST_F(FullDiskTest, IsReportedBeforeAPushFails) {
  StartFull("262144");
  int pushes = 0;
  while (RoomAfter(5000) > 0) ++pushes;
  EXPECT_GT(pushes, 10);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(RoomAfter(10), 0u);
  machine(0).disk().SetCapacity(sim::Disk::kNoCapacityLimit);
  Run(Seconds(2));
  EXPECT_GT(RoomAfter(10), 100u << 20);
}

// What is popped while the disk is full gives room in the file, enough not to make it longer; that
// it could be longer again is told nevertheless.
TEST_F(FullDiskTest, IsOverAlsoWhenRoomCameByPops) {
  StartFull("65536");
  while (RoomAfter(5000) > 0) continue;
  PopOk(0, version_);
  EXPECT_GT(RoomAfter(10), 65536u);
  machine(0).disk().SetCapacity(sim::Disk::kNoCapacityLimit);
  Run(Seconds(3));
  EXPECT_GT(RoomAfter(10), 100u << 20);
}

// Logs have popped to different places. What was read from one of them is of no use when another
// one, from which the rest is read, has popped beyond it.
TEST_F(LogStoryTest, AStoryBeginsBehindWhatWasPopped) {
  Start(2);
  for (Version v = 100; v < 110; ++v) {
    for (size_t log = 0; log < 2; ++log) PushOk(log, v, v + 1);
  }
  // The one that is asked first ends below the other one.
  const std::vector<size_t> team = LogTeamOf(kTag, set_);
  PushOk(team[1], 110, 111);
  PushOk(team[1], 111, 112);
  const auto read = [&](Version through, WhatWasPopped popped) {
    std::string versions;
    scripts_.push_back([&, through, popped](Env& env, RpcClient& rpc) -> Task<absl::Status> {
      CO_ASSIGN_OR_RETURN(const auto all,
                          co_await ReadLockedSet(env, rpc, set_, kTag, 100, through, popped));
      for (const LogCursor::Messages& some : all) {
        for (const auto& each : some.versions) versions += std::to_string(each.version) + " ";
      }
      co_return absl::OkStatus();
    });
    Run(Seconds(1));
    return versions;
  };
  for (size_t log = 0; log < 2; ++log) Call(log, kLockLog, Message<LockRequest>());
  PopOk(team[0], 104);
  EXPECT_EQ(read(107, WhatWasPopped::kBeginsBehind), "105 106 107 ");
  PopOk(team[1], 102);
  EXPECT_EQ(read(111, WhatWasPopped::kBeginsBehind), "105 106 107 108 109 110 111 ");
  PopOk(team[1], 111);
  EXPECT_EQ(read(112, WhatWasPopped::kBeginsBehind), "112 ");
  EXPECT_EQ(read(112, WhatWasPopped::kLeaveOut), "105 106 107 108 109 110 112 ");
  EXPECT_EQ(read(110, WhatWasPopped::kBeginsBehind), "105 106 107 108 109 110 ");
}

TEST_F(LogStoryTest, PoppedSpaceIsUsedAgainAndPopsAreRemembered) {
  ASSERT_TRUE(knobs_.Set("disk_queue_initial_bytes", "65536").ok());
  ASSERT_TRUE(knobs_.Set("disk_queue_bytes_max", "262144").ok());
  ASSERT_TRUE(knobs_.Set("log_trim_bytes_min", "8192").ok());
  Start(1);
  Version version = 100;
  for (int i = 0; i < 200; ++i, ++version) {
    PushOk(0, version, version + 1, 5000);
    Message<PopRequest> pop;
    pop.header.set_version(version - 2);
    const auto popped = Call(0, kPop, std::move(pop));
    Run(Milliseconds(50));
    ASSERT_EQ(CodeOfResult(popped), ErrorCode::ok);
  }
  Restart(0);
  const auto peek = Peek(0, 150, version);
  const auto rest = Peek(0, version - 2, version);
  Run(Seconds(1));
  ASSERT_EQ(CodeOfResult(peek), ErrorCode::ok);
  EXPECT_GT((**peek)->header.popped(), 150);
  EXPECT_TRUE((**peek)->attachment.empty());
  ASSERT_EQ(CodeOfResult(rest), ErrorCode::ok);
  EXPECT_EQ((**rest)->header.through(), version);

  // A consumer that has forgotten where it was is told.
  LogSystem system;
  system.set_generation(1);
  *system.add_sets() = set_;
  view_.Update(system);
  std::optional<absl::Status> next;
  scripts_.push_back([&](Env& env, RpcClient& rpc) -> Task<absl::Status> {
    LogCursor cursor(env, rpc, view_, kTag, 150);
    next = (co_await cursor.Next(1000)).status();
    co_return absl::OkStatus();
  });
  Run(Seconds(5));
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(CodeOf(*next), ErrorCode::transaction_too_old);
}

TEST_F(LogStoryTest, ACursorGoesElsewhereWhenALogCannotReadOrIsDead) {
  ASSERT_TRUE(knobs_.Set("log_memory_bytes_max", "1").ok());
  Start(3);
  for (Version v = 100; v < 120; ++v) {
    for (size_t log = 0; log < 3; ++log) PushOk(log, v, v + 1);
  }
  machine(0).disk().FailReads(1);
  machine(2).PowerOff();
  LogSystem system;
  system.set_generation(1);
  *system.add_sets() = set_;
  view_.Update(system);
  Version position = 0;
  uint64_t got = 0;
  scripts_.push_back([&](Env& env, RpcClient& rpc) -> Task<absl::Status> {
    LogCursor cursor(env, rpc, view_, kTag, 100);
    while (cursor.position() < 119) {
      CO_ASSIGN_OR_RETURN(const auto messages, co_await cursor.Next(500));
      got += messages.versions.size();
    }
    position = cursor.position();
    co_return absl::OkStatus();
  });
  Run(Seconds(10));
  EXPECT_EQ(position, 119);
  EXPECT_EQ(got, 19u);
}

TEST_F(LogStoryTest, WhatIsCopiedIsThereWhenTheOldLogsAreGone) {
  Start(2);
  for (Version v = 100; v < 110; ++v) {
    PushOk(0, v, v + 1);
    PushOk(1, v, v + 1);
  }
  const LogSet old = set_;
  for (size_t log = 0; log < 2; ++log) Call(log, kLockLog, Message<LockRequest>());
  Run(Seconds(1));
  set_ = Recruit(2, old, 108);
  const auto peek = Peek(1, 100, 108);
  const auto lock = Call(1, kLockLog, Message<LockRequest>());
  Run(Seconds(1));
  ASSERT_EQ(CodeOfResult(peek), ErrorCode::ok);
  EXPECT_EQ((**peek)->header.through(), 108);
  EXPECT_EQ((**peek)->attachment.size(), 8 * (12 + OneMutation(101).size()));
  ASSERT_EQ(CodeOfResult(lock), ErrorCode::ok);
  EXPECT_EQ((**lock)->header.end(), 108);
  EXPECT_EQ((**lock)->header.known_committed(), 108);
}

// Power is lost at every stage of a log's making: the directory then holds no log, or a whole one.
TEST_F(LogStoryTest, AHalfMadeLogIsRecognised) {
  ASSERT_TRUE(knobs_.Set("disk_queue_initial_bytes", "65536").ok());
  Start(1);
  uint64_t absent = 0;
  uint64_t whole = 0;
  for (uint64_t id = 1000; id < 1080; ++id) {
    auto order = std::make_shared<Order>();
    order->options = {.directory = log_testing::DirectoryOf(id),
                      .log_id = id,
                      .generation = 3,
                      .recovery_version = 500};
    hosts_[0].orders.push_back(order);
    Run(Milliseconds(5) + Microseconds(static_cast<int64_t>(id - 1000) * 1500));
    const bool ready = order->ready.has_value() && order->ready->ok();
    machine(0).PowerOff();
    machine(0).PowerOn();
    std::optional<absl::StatusOr<StoredLog>> stored;
    if (!machine(0).processes()[0]->running()) machine(0).processes()[0]->Start();
    machine(0).processes()[0]->tasks().Spawn(
        "describe",
        [](Env* env, uint64_t log_id,
           std::optional<absl::StatusOr<StoredLog>>* out) -> Task<absl::Status> {
          out->emplace(co_await DescribeStoredLog(*env, log_testing::DirectoryOf(log_id), {}));
          co_return absl::OkStatus();
        }(&machine(0).processes()[0]->env(), id, &stored));
    Run(Seconds(1));
    ASSERT_TRUE(stored.has_value());
    if (stored->ok()) {
      ++whole;
      EXPECT_EQ((*stored)->log_id, id);
      EXPECT_EQ((*stored)->generation, 3u);
    } else {
      ++absent;
      EXPECT_EQ(CodeOf(stored->status()), ErrorCode::file_not_found);
      EXPECT_FALSE(ready) << id;
    }
    ASSERT_TRUE(machine(0).processes()[0]->running());  // What was left is no obstacle.
  }
  EXPECT_GT(absent, 5u);
  EXPECT_GT(whole, 5u);
}

}  // namespace
}  // namespace orrery
