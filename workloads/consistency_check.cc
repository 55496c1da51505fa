// Reading every replica.
#include "workloads/consistency_check.h"

#include <utility>

#include "core/async/sleep.h"
#include "core/async/when_all.h"
#include "core/rpc/endpoint_message.h"
#include "storage/server/storage_methods.h"
#include "txn/proxy/proxy_methods.h"
#include "workloads/replica_chunk.h"
#include "workloads/system/client_database.h"
#include "workloads/violation.h"

namespace orrery::workloads {
namespace {

constexpr Duration kPatience = Seconds(5);
constexpr Duration kPause = Milliseconds(200);
constexpr uint32_t kChunkBytes = 100'000;
constexpr char kEndOfAll[] = "\xff\xff";

// Where the shards are that begin at or after `begin`, from any commit proxy that answers.
Task<absl::StatusOr<LocateReply>> Locate(Env* env, ClientDatabase* client,
                                         ClusterObserver* observer, Key begin) {
  for (;;) {
    CO_ASSIGN_OR_RETURN(const ClientInfoReply info, co_await observer->ClientInfo(kPatience));
    for (const EndpointMessage& proxy : info.commit_proxies()) {
      Message<LocateRequest> request;
      request.header.set_begin(begin);
      request.header.set_end(kEndOfAll);
      absl::StatusOr<Message<LocateReply>> reply =
          co_await client->rpc().Call(FromMessage(proxy), kLocate, std::move(request), kPatience);
      if (reply.ok()) co_return std::move(reply->header);
    }
    co_await Sleep(env->clock(), kPause);
  }
}

Task<absl::StatusOr<ReplicaChunk>> ReadChunk(ClientDatabase* client, ServerLocation server,
                                             Key begin, Key end, Version version) {
  Message<GetRangeRequest> request;
  request.header.set_begin(begin);
  request.header.set_end(end);
  request.header.set_version(version);
  request.header.set_bytes_max(kChunkBytes);
  CO_ASSIGN_OR_RETURN(const Message<GetRangeReply> reply,
                      co_await client->rpc().Call(FromMessage(server.endpoint()), kGetRange,
                                                  std::move(request), kPatience));
  ReplicaChunk chunk;
  chunk.replica = std::to_string(server.tag_id()) + " in " + server.zone();
  chunk.more = reply.header.more();
  if (!DecodeRows(reply.attachment.view(), chunk.rows) ||
      chunk.rows.size() != reply.header.rows()) {
    co_return Violated("replica " + chunk.replica + " gave rows that do not decode");
  }
  co_return chunk;
}

// The same chunk of all replicas, at one version: of each of them or an error.
Task<absl::StatusOr<std::vector<ReplicaChunk>>> ReadChunks(ClientDatabase* client,
                                                           const ShardLocation* shard, Key begin) {
  Transaction transaction = client->database().Begin();
  CO_ASSIGN_OR_RETURN(const Version version, co_await transaction.GetReadVersion());
  std::vector<Task<absl::StatusOr<ReplicaChunk>>> reads;
  for (const ServerLocation& server : shard->servers()) {
    reads.push_back(ReadChunk(client, server, begin, shard->end(), version));
  }
  std::vector<absl::StatusOr<ReplicaChunk>> results = co_await WhenAll(std::move(reads));
  std::vector<ReplicaChunk> chunks;
  for (absl::StatusOr<ReplicaChunk>& result : results) {
    CO_RETURN_IF_ERROR(result.status());
    chunks.push_back(*std::move(result));
  }
  co_return chunks;
}

}  // namespace

absl::Status ConsistencyCheckWorkload::Configure(const sim::Options&) { return absl::OkStatus(); }

Task<absl::Status> ConsistencyCheckWorkload::Setup(sim::ClientContext) {
  co_return absl::OkStatus();
}

Task<absl::Status> ConsistencyCheckWorkload::Start(sim::ClientContext, Time) {
  co_return absl::OkStatus();
}

absl::Status ConsistencyCheckWorkload::CheckTeam(const ShardLocation& shard,
                                                 uint32_t replication) const {
  std::set<std::string> zones;
  for (const ServerLocation& server : shard.servers()) zones.insert(server.zone());
  if (zones.size() == replication && shard.servers_size() == static_cast<int>(replication)) {
    return absl::OkStatus();
  }
  return Violated("a shard should have " + std::to_string(replication) +
                  " replicas, each in a zone " + "of its own, and has " +
                  std::to_string(shard.servers_size()) + " in " + std::to_string(zones.size()) +
                  " zones");
}

Task<absl::Status> ConsistencyCheckWorkload::CompareShard(Env& env, ClientDatabase& client,
                                                          ShardLocation shard) {
  std::optional<Key> begin = shard.begin();
  while (begin.has_value()) {
    const absl::StatusOr<std::vector<ReplicaChunk>> chunks =
        co_await ReadChunks(&client, &shard, *begin);
    if (!chunks.ok()) {
      if (!IsRetryable(chunks.status())) co_return chunks.status();
      metrics_["retries"] += 1;
      co_await Sleep(env.clock(), kPause);
      continue;
    }
    CO_ASSIGN_OR_RETURN(begin, CompareReplicas(*chunks));
    metrics_["rows"] += static_cast<int64_t>(chunks->front().rows.size());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ConsistencyCheckWorkload::CheckShards(Env& env, ClientDatabase& client) {
  ClusterObserver observer(env, client);
  CO_ASSIGN_OR_RETURN(const ClusterStatusReply status, co_await observer.Status(Seconds(30)));
  // The first generation recovers nothing; each recovery writes the next. (The reply's own count is
  // of one controller.)
  metrics_["recoveries"] = static_cast<int64_t>(status.generation()) - 1;
  Key begin;
  while (begin < kEndOfAll) {
    CO_ASSIGN_OR_RETURN(const LocateReply located,
                        co_await Locate(&env, &client, &observer, begin));
    if (located.shards().empty()) co_return Violated("no shard has the keys from " + begin + " on");
    for (const ShardLocation& shard : located.shards()) {
      if (shard.begin() != begin) co_return Violated("no shard has the keys from " + begin + " on");
      const uint32_t replication = client.topology().configuration.replication;
      CO_RETURN_IF_ERROR(CheckTeam(shard, replication));
      CO_RETURN_IF_ERROR(co_await CompareShard(env, client, shard));
      metrics_["shards"] += 1;
      begin = shard.end();
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ConsistencyCheckWorkload::Check(sim::ClientContext context) {
  ClientDatabase client(context);
  co_return co_await CheckShards(context.env, client);
}

}  // namespace orrery::workloads
