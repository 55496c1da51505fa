// FakeCluster: a simulated world with one process of proxies, some storage servers that show a
// FakeDatabase, and clients under test. Its faults are those a client must live with.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/async/task.h"
#include "core/async/task_group.h"
#include "core/knobs/knobs.h"
#include "core/rpc/client.h"
#include "core/rpc/server.h"
#include "sim/world/world.h"
#include "storage/server/storage.pb.h"
#include "txn/client/blocking_database.h"
#include "txn/client/cluster_connection.h"
#include "txn/client/database.h"
#include "txn/client/testing/fake_database.h"

namespace orrery::testing {

// Of each call, how often. All draws are the serving process's.
struct FakeFaults {
  Ratio commit_lost{0, 1};        // Never executed, never answered.
  Ratio commit_unanswered{0, 1};  // Executed, never answered.
  Ratio commit_late{0, 1};        // Never answered, and executed later.
  Ratio commit_refused{0, 1};     // Refused as overloaded.
  Ratio read_refused{0, 1};       // One of the errors that another attempt may not meet.
  Ratio read_unanswered{0, 1};
  Duration commit_late_max = Seconds(20);
  bool fences_conflict = true;
};

class FakeCluster {
 public:
  FakeCluster(uint64_t seed, FakeFaults faults);
  ~FakeCluster();

  // Runs `body` on a client process of its own, and the world until it has ended: its result.
  using Body = std::function<Task<absl::Status>(Env&, Database&)>;
  absl::Status Run(Body body) { return RunAll({std::move(body)}); }
  // The same with several clients at once: the first error of any.
  absl::Status RunAll(std::vector<Body> bodies);

  // A client process that stays, and what runs tasks on it: the caller is outside of the world,
  // which runs meanwhile.
  RunOnLoop StartLoop();
  LoopDatabase Connect(Env& env);

  FakeDatabase& database() { return database_; }
  FakeFaults& faults() { return faults_; }
  KnobSet& knobs() { return knobs_; }  // Before the first run.
  sim::World& world() { return *world_; }

  // From now on these keys begin shards; clients learn of it when they must.
  void SetShards(std::vector<Key> begins);
  // Another generation of proxies, at the same place: under another token.
  void NextGeneration();

  // Requests served, by kind.
  struct Counts {
    uint64_t read_versions = 0, locates = 0, gets = 0, multi_gets = 0, ranges = 0, keys = 0;
    uint64_t commits = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  class Connection;
  class ProxyProcess;
  class StorageProcess;

  void StartServers();
  Task<absl::Status> RunClient(Env* env, const Body* body, absl::Status* result, bool* done);

  FakeDatabase database_;
  FakeFaults faults_;
  KnobSet knobs_;
  std::vector<Key> shard_begins_{""};
  uint64_t generation_ = 1;
  Counts counts_;
  uint64_t clients_ = 0;
  std::unique_ptr<sim::World> world_;
};

}  // namespace orrery::testing
