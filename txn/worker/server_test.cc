// Goal: a process that is refused at start says why in one line and has changed nothing; one that
// starts keeps its directory's identity through crashes, serves its coordinator, leads with one
// controller at a time, and ends when its disk fails.
// Method: processes in a simulated world, with a worker and a controller that only note that they
// run.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/async/sleep.h"
#include "core/base/error_codes.h"
#include "core/base/status.h"
#include "core/rpc/rpc_knobs.h"
#include "sim/world/world.h"
#include "storage/diskqueue/file_header.h"
#include "storage/diskqueue/testing/failing_files.h"
#include "txn/coordinator/coordinator_client.h"
#include "txn/coordinator/coordinator_knobs.h"
#include "txn/worker/process_file.h"
#include "txn/worker/server_host.h"

namespace orrery {
namespace {

constexpr uint16_t kPort = 4500;

// The fakes say on their process's disk that they run: there is nothing else that they share.
Task<absl::Status> FakeWorker(RoleContext context, WorkerOptions options, LeaderWatch&) {
  absl::StatusOr<std::unique_ptr<File>> file =
      co_await context.env.files().Open("worker-ran", OpenMode::kCreate);
  CO_RETURN_IF_ERROR(file.status());
  std::string text(options.identity.instance.data(), options.identity.instance.size());
  CO_RETURN_IF_ERROR(co_await (*file)->WriteDurable(0, Buffer::Copy(text)));
  context.ready.Set(absl::OkStatus());
  Promise<absl::Status> never;
  co_return co_await never.future();
}

Task<absl::Status> FakeController(RoleContext context, const ClusterFile&) {
  CO_RETURN_IF_ERROR(
      (co_await context.env.files().Open("controller-ran", OpenMode::kCreate)).status());
  Promise<absl::Status> never;
  co_return co_await never.future();
}

using Files = std::map<std::string, std::string>;

Task<absl::Status> ReadAll(Env* env, Files* files) {
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> names, co_await env->files().List(""));
  for (const std::string& name : names) {
    CO_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                        co_await env->files().Open(name, OpenMode::kExisting));
    CO_ASSIGN_OR_RETURN(const Buffer bytes, co_await file->Read(0, 1 << 20));
    (*files)[name] = std::string(bytes.view());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> WriteFile(Env* env, std::string name, std::string text) {
  CO_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                      co_await env->files().Open(name, OpenMode::kCreate));
  CO_RETURN_IF_ERROR(co_await file->Truncate(0));
  CO_RETURN_IF_ERROR(co_await file->WriteDurable(0, Buffer::Copy(text)));
  co_return co_await env->files().SyncDirectory("");
}

Task<absl::Status> RunTheServer(Env* env, ServerOptions options) {
  co_return co_await RunServerOf({&FakeWorker, &FakeController}, *env, std::move(options));
}

Task<absl::Status> RunFailing(Env* env, ServerOptions options, uint64_t fails, bool* fired) {
  FailingEnv failing(*env, fails, ErrorCode::io_error, /*after=*/false);
  absl::Status ended =
      co_await RunServerOf({&FakeWorker, &FakeController}, failing, std::move(options));
  *fired = failing.files().fired();
  co_return ended;
}

// Creates the register at the machine's coordinator.
Task<absl::Status> Create(Env* env, ClusterFile cluster) {
  RpcClient rpc(*env, {});
  co_return co_await CreateRegister(*env, rpc, cluster, "first", Seconds(3));
}

class ServerTest : public ::testing::Test {
 protected:
  using Job = std::function<Task<absl::Status>(Env*)>;

  ServerTest() {
    knobs_.Add<RpcKnobs>();
    knobs_.Add<CoordinatorKnobs>();
    world_ = std::make_unique<sim::World>(
        sim::World::Options{.seed = 1, .knobs = &knobs_, .buggify = false});
    machine_ = &world_->AddMachine({.name = "m", .zone = "z"});
    // Two processes on one machine: directories of their own, one address.
    for (const char* name : {"p", "other"}) {
      world_->AddProcess(*machine_, {.name = name,
                                     .main = [this, name](Env& env) { return Main(name, &env); },
                                     .supervised = false});
    }
    options_.cluster = *ClusterFile::Parse("test:one@m:4500");
    options_.listen = machine_->address(kPort);
  }

  Task<absl::Status> Main(std::string name, Env* env) {
    // With the power all processes come back, also those that have nothing to do.
    if (jobs_.contains(name)) ended_[name] = co_await jobs_.at(name)(env);
    co_return absl::OkStatus();
  }

  sim::Process& process(const std::string& name = "p") { return *world_->FindProcess(name); }

  // Runs `job` as the process for some seconds, and gives how it ended; nullopt if it did not.
  std::optional<absl::Status> Start(Job job, const std::string& name = "p") {
    process(name).Kill();
    ended_.erase(name);
    jobs_[name] = std::move(job);
    process(name).Start();
    EXPECT_TRUE(world_->RunUntil(world_->Now() + Seconds(5)));
    const auto at = ended_.find(name);
    if (at == ended_.end()) return std::nullopt;
    return at->second;
  }
  std::optional<absl::Status> StartServer(const std::string& name = "p") {
    return Start([this](Env* env) { return RunTheServer(env, options_); }, name);
  }

  Files FilesOf(const std::string& name = "p") {
    Files files;
    const auto read = Start([&files](Env* env) { return ReadAll(env, &files); }, name);
    EXPECT_TRUE(read.has_value() && read->ok());
    return files;
  }
  void Put(std::string file, std::string text) {
    const auto put = Start([&](Env* env) { return WriteFile(env, file, text); });
    ASSERT_TRUE(put.has_value() && put->ok());
  }

  // Refused with this error, in one line, nothing changed.
  void ExpectRefused(ErrorCode code, const std::string& message_part) {
    const Files before = FilesOf();
    const std::optional<absl::Status> ended = StartServer();
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(CodeOf(*ended), code) << Describe(*ended);
    const std::string message(ended->message());
    EXPECT_NE(message.find(message_part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(FilesOf(), before);
  }

  KnobSet knobs_;
  ServerOptions options_;
  std::map<std::string, Job> jobs_;
  std::map<std::string, absl::Status> ended_;
  std::unique_ptr<sim::World> world_;
  sim::Machine* machine_;
};

TEST_F(ServerTest, StartsLeadsAndKeepsItsIdentity) {
  ASSERT_EQ(StartServer(), std::nullopt);
  const Files first = FilesOf();
  EXPECT_TRUE(first.contains("lock"));
  EXPECT_EQ(first.at("process").size(), kFileHeaderBytes);
  EXPECT_TRUE(first.contains("controller-ran"));
  EXPECT_FALSE(first.contains("coordinator"));  // No database was created here.
  // The worker is given the identity that the file tells.
  EXPECT_EQ(first.at("worker-ran"), first.at("process").substr(32, 16));
  machine_->PowerOff();
  machine_->PowerOn();
  ASSERT_EQ(StartServer(), std::nullopt);
  EXPECT_EQ(FilesOf(), first);
}

TEST_F(ServerTest, IsTheCoordinatorThatTheClusterFileNames) {
  ASSERT_EQ(StartServer(), std::nullopt);
  const auto created = Start([this](Env* env) { return Create(env, options_.cluster); }, "other");
  ASSERT_TRUE(created.has_value());
  EXPECT_TRUE(created->ok()) << Describe(*created);
  EXPECT_TRUE(FilesOf().contains("coordinator"));
  const auto again = Start([this](Env* env) { return Create(env, options_.cluster); }, "other");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(CodeOf(*again), ErrorCode::timed_out) << Describe(*again);  // The server is not there.
  EXPECT_NE(again->message().find("m:4500"), std::string::npos);
}

TEST_F(ServerTest, ADamagedRegisterIsNotServed) {
  ASSERT_EQ(StartServer(), std::nullopt);
  Put("coordinator", "garbage");
  EXPECT_EQ(StartServer(), std::nullopt);
  const auto created = Start([this](Env* env) { return Create(env, options_.cluster); }, "other");
  ASSERT_TRUE(created.has_value());
  EXPECT_EQ(CodeOf(*created), ErrorCode::timed_out) << Describe(*created);
  EXPECT_EQ(FilesOf().at("coordinator"), "garbage");
}

TEST_F(ServerTest, RefusesAPortInUse) {
  const auto running = Start([this](Env* env) { return RunTheServer(env, options_); }, "other");
  ASSERT_EQ(running, std::nullopt);
  ExpectRefused(ErrorCode::bind_failed, "");
  EXPECT_EQ(FilesOf(), Files());
}

TEST_F(ServerTest, RefusesALockedDirectory) {
  const auto ended = Start([this](Env* env) -> Task<absl::Status> {
    return [](Env* held_by, ServerOptions options) -> Task<absl::Status> {
      absl::StatusOr<std::unique_ptr<FileLock>> lock = co_await held_by->files().Lock("lock");
      CO_RETURN_IF_ERROR(lock.status());
      co_return co_await RunTheServer(held_by, std::move(options));
    }(env, options_);
  });
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(CodeOf(*ended), ErrorCode::file_locked);
  EXPECT_EQ(FilesOf(), Files({{"lock", ""}}));
}

TEST_F(ServerTest, RefusesADirectoryThatIsNotIts) {
  ASSERT_EQ(StartServer(), std::nullopt);
  const std::string own = FilesOf().at("process");
  StoreIdentity identity;
  own.copy(identity.cluster.data(), 16, 16);
  const auto header = [&](uint32_t minimum_reader) {
    return EncodeFileHeader({"ORRYPROC", 9, minimum_reader, identity});
  };
  Put("process", header(2));
  ExpectRefused(ErrorCode::protocol_mismatch, "needs a program that reads format 2");
  Put("process", own.substr(0, 40));
  ExpectRefused(ErrorCode::file_corrupt, "process");
  Put("process", "");
  ExpectRefused(ErrorCode::file_corrupt, "process");
  std::string damaged = own;
  damaged[50] ^= 1;
  Put("process", damaged);
  ExpectRefused(ErrorCode::file_corrupt, "fails its checksum");
  Put("process", own);
  options_.cluster = *ClusterFile::Parse("test:two@m:4500");
  ExpectRefused(ErrorCode::wrong_cluster, "another cluster than test:two");
}

TEST_F(ServerTest, RefusesStoresWithoutTheProcessFile) {
  Put("coordinator", "anything");
  ExpectRefused(ErrorCode::file_corrupt, "has 'coordinator' and no file 'process'");
}

TEST_F(ServerTest, RefusesOptionsThatMakeNoSense) {
  options_.process_class = "king";
  ExpectRefused(ErrorCode::invalid_argument, "no process class 'king'");
  options_.process_class = "log";
  options_.listen = NetworkAddress::V4(0, kPort);
  ExpectRefused(ErrorCode::invalid_argument, "others cannot reach 0.0.0.0:4500");
  EXPECT_EQ(FilesOf(), Files());
}

// Whatever fails while it starts: it ends, and starts the next time, as the same or as a fresh one.
TEST_F(ServerTest, EndsWithWhateverFailsAndStartsAgain) {
  bool fired = true;
  uint64_t fails = 1;
  for (; fired; ++fails) {
    ASSERT_LT(fails, 100u);
    fired = false;
    const auto ended = Start([&](Env* env) { return RunFailing(env, options_, fails, &fired); });
    EXPECT_EQ(ended.has_value(), fired) << fails;
    machine_->PowerOff();
    machine_->disk().Wipe();
    machine_->PowerOn();
    const auto again = Start([&](Env* env) { return RunFailing(env, options_, fails, &fired); });
    EXPECT_EQ(again.has_value(), fired) << fails;
    machine_->PowerOff();
    machine_->PowerOn();
    const auto healed = StartServer();
    ASSERT_EQ(healed, std::nullopt) << fails << ": " << Describe(*healed);
    machine_->PowerOff();
    machine_->disk().Wipe();
    machine_->PowerOn();
  }
  EXPECT_GT(fails, 12u);
}

}  // namespace
}  // namespace orrery
