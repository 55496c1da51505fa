// StorageServerClient: point reads of one storage server: all that are asked for in one turn, at
// one version, go in one call.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/async/executor.h"
#include "core/async/future.h"
#include "core/async/task_group.h"
#include "core/base/keys.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "core/base/version.h"
#include "core/env/env.h"
#include "core/rpc/client.h"
#include "txn/client/client_knobs.h"

namespace orrery {

using ReadValue = absl::StatusOr<std::optional<std::string>>;

class StorageServerClient {
 public:
  // REQUIRES: all references outlive it.
  StorageServerClient(Env& env, RpcClient& rpc, TaskGroup& tasks, Endpoint endpoint);

  const Endpoint& endpoint() const { return endpoint_; }

  // One attempt, with whatever error it meets.
  Future<ReadValue> Get(Key key, Version version);

  // It failed just now: it is not the first choice for a while.
  void Avoid();
  bool IsAvoided() const { return avoid_until_ != Time() && env_.clock().Now() < avoid_until_; }

 private:
  struct Batch {
    Version version;
    std::vector<Key> keys;
    std::vector<Promise<ReadValue>> values;
  };
  // At the turn's end the batches leave.
  struct FlushNode : ReadyNode {
    explicit FlushNode(StorageServerClient& server) : owner(server) {
      run = [](ReadyNode* node) { static_cast<FlushNode*>(node)->owner.Flush(); };
    }
    StorageServerClient& owner;
  };

  void Flush();
  static Task<absl::Status> Send(RpcClient& rpc, Endpoint to, Batch batch, Duration timeout);

  Env& env_;
  RpcClient& rpc_;
  TaskGroup& tasks_;
  const ClientKnobs& knobs_;
  const Endpoint endpoint_;
  Time avoid_until_{};
  std::vector<Batch> batches_;
  FlushNode flush_{*this};
};

}  // namespace orrery
