// ShardReads: reads of the database at a version: finds the servers that have the keys, asks one
// of them, and another when that one fails, until there is an answer, for as long as it takes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/async/mutex.h"
#include "core/async/task.h"
#include "core/async/task_group.h"
#include "core/base/keys.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "core/env/env.h"
#include "core/rpc/client.h"
#include "txn/client/client_knobs.h"
#include "txn/client/key_selector.h"
#include "txn/client/location_cache.h"
#include "txn/client/proxies.h"
#include "txn/client/snapshot_reader.h"
#include "txn/client/storage_server_client.h"

namespace orrery {

class ShardReads {
 public:
  // REQUIRES: all outlive it.
  ShardReads(Env& env, RpcClient& rpc, Proxies& proxies, TaskGroup& tasks);

  // All are cancel-safe. Errors: transaction_too_old, and what is wrong with the request itself.
  // Contracts as in SnapshotReader.
  Task<ReadValue> Get(Key key, Version version);
  Task<absl::StatusOr<RangePiece>> GetRange(KeyRange range, ReadLimits limits, bool reverse,
                                            Version version);
  Task<absl::StatusOr<Key>> GetKey(KeySelector selector, Key end, Version version);

  struct Estimate {
    uint64_t bytes = 0;
    std::vector<Key> split_keys;
  };
  Task<absl::StatusOr<Estimate>> EstimateBytes(KeyRange range, uint64_t chunk_bytes);

  // The shard that has `key`, or with `before` the keys just before `key`.
  Task<absl::StatusOr<ShardServersPtr>> Locate(Key key, bool before);

 private:
  class Attempts;

  // One call to a server of the shard that has `key` (or those before it), tried again.
  // `make(const ShardServers&)` gives the request. The reply comes with the shard it is of.
  template <class Req, class Rep>
  struct Answer {
    ShardServersPtr shard;
    Message<Rep> reply;
  };
  template <class Req, class Rep, class Make>
  Task<absl::StatusOr<Answer<Req, Rep>>> Ask(Method<Req, Rep> method, Key key, bool before,
                                             Make make);

  Task<absl::Status> AskForLocations(Key key, bool before);
  std::shared_ptr<StorageServerClient> ServerAt(const Endpoint& endpoint);

  Env& env_;
  RpcClient& rpc_;
  Proxies& proxies_;
  TaskGroup& tasks_;
  const ClientKnobs& knobs_;
  LocationCache locations_;
  std::map<std::string, std::shared_ptr<StorageServerClient>> servers_;  // By encoded endpoint.
  size_t servers_max_ = 64;  // Above it, those that no shard names are forgotten.
  uint64_t rotation_ = 0;
  Mutex locating_;
};

}  // namespace orrery
