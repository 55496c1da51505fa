// Goal: whatever becomes of requests and answers, each acknowledged transaction was committed once,
// under the version that was told, and none that was told not to be.
// Method: clients in a simulated world add to counters through a cluster that loses commits, their
// answers, or executes them long after the client gave up, and starts new generations; the counters
// must be what was acknowledged. The same with a cluster that forgets what fences write must fail.
#include <gtest/gtest.h>

#include "core/async/sleep.h"
#include "core/async/when_all.h"
#include "core/base/encoding.h"
#include "core/observe/probe.h"
#include "txn/client/testing/fake_cluster.h"

namespace orrery {
namespace {

using testing::FakeCluster;
using testing::FakeFaults;

constexpr int kClients = 2;
constexpr int kTasks = 4;
constexpr int kAdds = 12;

FakeFaults Trouble() {
  FakeFaults faults;
  faults.commit_lost = OneIn(12);
  faults.commit_unanswered = OneIn(8);
  faults.commit_late = OneIn(8);
  faults.commit_refused = OneIn(10);
  faults.read_refused = OneIn(10);
  faults.read_unanswered = OneIn(200);
  return faults;
}

struct Tally {
  uint64_t acknowledged = 0;
  uint64_t wrong_stamps = 0;
};

uint64_t Number(const std::optional<std::string>& value) {
  return value.has_value() ? std::stoull(*value) : 0;
}

// Adds to the counter that all share, unless it is to be blind, and to its own by an atomic
// operation. Only a blind one could be committed twice, or late, without its fence: nothing else
// would conflict.
Task<absl::Status> AddOnce(Transaction& transaction, std::string own, bool blind,
                           std::string* stamp) {
  if (!blind) {
    CO_ASSIGN_OR_RETURN(const std::optional<std::string> before,
                        co_await transaction.Get("shared"));
    CO_RETURN_IF_ERROR(transaction.Set("shared", std::to_string(Number(before) + 1)));
  }
  CO_RETURN_IF_ERROR(transaction.Atomic(MutationType::kAdd, own, std::string("\1\0\0\0", 4)));
  CO_RETURN_IF_ERROR(transaction.Atomic(MutationType::kSetVersionstampedValue, own + "/stamp",
                                        std::string(14, '\0')));
  CO_ASSIGN_OR_RETURN(const CommitResult result, co_await transaction.Commit());
  *stamp = result.versionstamp;
  co_return absl::OkStatus();
}

Task<absl::Status> Add(Env* env, Database* database, std::string own, bool blind, Tally* tally,
                       const testing::FakeDatabase* truth) {
  for (int i = 0; i < kAdds; ++i) {
    Transaction transaction = database->Begin();
    std::string stamp;
    for (;;) {
      absl::Status status = co_await AddOnce(transaction, own, blind, &stamp);
      if (status.ok()) break;
      CO_RETURN_IF_ERROR(co_await transaction.OnError(std::move(status)));
    }
    ++tally->acknowledged;
    const auto written = truth->Get(own + "/stamp", truth->committed());
    tally->wrong_stamps += written != stamp ? 1 : 0;
    co_await Sleep(env->clock(), Milliseconds(env->random("test").Between(0, 200)));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> AddByMany(Env* env, Database* database, std::string name, Tally* tally,
                             const testing::FakeDatabase* truth) {
  std::vector<Task<absl::Status>> tasks;
  for (int i = 0; i < kTasks; ++i) {
    tasks.push_back(Add(env, database, name + std::to_string(i), i % 2 != 0, tally, truth));
  }
  for (const absl::Status& status : co_await WhenAll(std::move(tasks))) {
    CO_RETURN_IF_ERROR(status);
  }
  co_return absl::OkStatus();
}

struct Outcome {
  absl::Status status;
  Tally tally;
  uint64_t shared = 0;
  uint64_t own = 0;
};

Outcome RunSeed(uint64_t seed, FakeFaults faults, std::map<std::string, uint64_t>* probes) {
  FakeCluster cluster(seed, faults);
  if (seed % 2 == 0) cluster.knobs().Randomise(seed);
  cluster.SetShards({"", "m", "t"});
  Outcome out;
  std::vector<FakeCluster::Body> bodies;
  for (int c = 0; c < kClients; ++c) {
    bodies.push_back([&out, &cluster, c](Env& env, Database& database) {
      return AddByMany(&env, &database, "client" + std::to_string(c) + "/", &out.tally,
                       &cluster.database());
    });
  }
  bodies.push_back([&cluster](Env& env, Database&) {
    return [](Env* on, FakeCluster* of) -> Task<absl::Status> {
      for (int i = 0; i < 20; ++i) {
        co_await Sleep(on->clock(), on->random("test").Between(Duration(0), Seconds(4)));
        of->NextGeneration();
      }
      co_return absl::OkStatus();
    }(&env, &cluster);
  });
  out.status = cluster.RunAll(std::move(bodies));
  // What was late may come now.
  cluster.world().RunUntil(cluster.world().Now() + Seconds(60));
  const testing::FakeDatabase& database = cluster.database();
  out.shared = Number(database.Get("shared", database.committed()));
  for (const auto& [key, value] : database.Rows({"client", "clienu"}, database.committed())) {
    if (value.size() == 4) out.own += static_cast<uint8_t>(value[0]);
  }
  const std::vector<uint64_t> counts = cluster.world().CollectProbes();
  for (size_t i = 0; i < counts.size(); ++i) (*probes)[AllProbeSites()[i].name] += counts[i];
  return out;
}

TEST(ExactlyOnce, CountersAreWhatWasAcknowledged) {
  std::map<std::string, uint64_t> probes;
  for (uint64_t seed = 1; seed <= 40 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Outcome out = RunSeed(seed, Trouble(), &probes);
    EXPECT_TRUE(out.status.ok()) << Describe(out.status);
    EXPECT_EQ(out.tally.acknowledged, uint64_t{kClients * kTasks * kAdds});
    EXPECT_EQ(out.shared, out.tally.acknowledged / 2);
    EXPECT_EQ(out.own, out.tally.acknowledged);
    EXPECT_EQ(out.tally.wrong_stamps, 0u);
  }
  for (const char* probe : {"client.unknown_was_committed", "client.unknown_was_not_committed",
                            "client.fence_again", "client.all_servers_failed"}) {
    EXPECT_GT(probes[probe], 0u) << probe << " was never seen";
  }
}

TEST(ExactlyOnce, IsLostWithoutFences) {
  std::map<std::string, uint64_t> probes;
  FakeFaults faults = Trouble();
  faults.fences_conflict = false;
  int wrong = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const Outcome out = RunSeed(seed, faults, &probes);
    if (out.own != out.tally.acknowledged) ++wrong;
  }
  EXPECT_GT(wrong, 0) << "the test cannot see that a transaction is committed twice";
}

}  // namespace
}  // namespace orrery
