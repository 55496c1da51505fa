// Attempts at the servers of a shard until one answers, and where shards are.
#include "txn/client/shard_reads.h"

#include <algorithm>
#include <utility>

#include "core/base/encoding.h"
#include "core/observe/probe.h"
#include "core/rpc/endpoint_message.h"
#include "storage/server/storage_methods.h"
#include "txn/client/client_backoff.h"
#include "txn/client/client_errors.h"
#include "txn/proxy/proxy_methods.h"

namespace orrery {
namespace {

// After every key of the database; no shard reaches further.
constexpr std::string_view kEndOfKeys = "\xff\xff";

// Reads the rows of a GetRangeReply. False when they are malformed.
bool ParseRows(Buffer attachment, uint32_t count, RangeRows& rows) {
  const std::string_view bytes = attachment.view();
  if (count > bytes.size() / 2) return false;
  rows.Reserve(count);
  ByteReader reader(bytes);
  for (uint32_t i = 0; i < count; ++i) {
    uint64_t key_bytes = 0;
    uint64_t value_bytes = 0;
    KeyValueRef row;
    if (!reader.ReadVarint(key_bytes) || !reader.ReadVarint(value_bytes) ||
        !reader.ReadBytes(key_bytes, row.key) || !reader.ReadBytes(value_bytes, row.value)) {
      return false;
    }
    rows.Add(row);
  }
  rows.Keep(std::move(attachment));
  return reader.AtEnd();
}

// A piece is of use only if it tells about the keys that were asked for.
bool IsPieceOf(const RangePiece& piece, KeyRangeRef range, bool reverse) {
  if (piece.rows.empty()) return true;
  const KeyRef first = reverse ? piece.rows.back().key : piece.rows.front().key;
  const KeyRef last = reverse ? piece.rows.front().key : piece.rows.back().key;
  return range.begin <= first && first <= last && last < range.end;
}

}  // namespace

// The servers that have what is read, tried one after the other. Which ones they are may change
// from one attempt to the next.
class ShardReads::Attempts {
 public:
  explicit Attempts(ShardReads& reads)
      : reads_(reads), backoff_(reads.env_, reads.knobs_.client_backoff_max) {}

  // The next server to ask. REQUIRES: the shard has servers.
  StorageServerClient& Choose(const ShardServersPtr& shard) {
    shard_ = shard;
    const size_t count = shard->servers.size();
    size_t chosen = reads_.rotation_ % count;
    bool found = false;
    for (size_t i = 0; i < count; ++i) {
      const size_t at = (reads_.rotation_ + i) % count;
      if (Tried(shard->servers[at])) continue;
      if (!found) chosen = at;
      found = true;
      if (!shard->servers[at]->IsAvoided()) {
        chosen = at;
        break;
      }
    }
    asked_ = shard->servers[chosen];
    return *asked_;
  }

  // Takes note of how the one chosen last failed, and waits if that may help. The error, if it
  // does not help to try again.
  Task<absl::Status> Failed(absl::Status error) {
    if (!MayPassElsewhere(error)) co_return error;
    const ErrorCode code = CodeOf(error);
    const bool is_late = code == ErrorCode::future_version || code == ErrorCode::process_behind;
    if (!is_late) {
      // The keys are elsewhere, or the server is, or is gone: ask again where they are.
      reads_.locations_.Forget(shard_);
      if (code == ErrorCode::wrong_shard_server) {
        PROBE(reads_.env_, "client.wrong_shard_server");
      } else {
        asked_->Avoid();
      }
    }
    ++reads_.rotation_;
    tried_.push_back(asked_);
    bool all_tried = true;
    for (const auto& server : shard_->servers) all_tried = all_tried && Tried(server);
    if (all_tried) {
      PROBE(reads_.env_, "client.all_servers_failed");
      tried_.clear();
    }
    if (all_tried || code == ErrorCode::wrong_shard_server) co_await backoff_.Wait();
    co_return absl::OkStatus();
  }

 private:
  using Server = std::shared_ptr<StorageServerClient>;

  bool Tried(const Server& server) const {
    return std::find(tried_.begin(), tried_.end(), server) != tried_.end();
  }

  ShardReads& reads_;
  ClientBackoff backoff_;
  ShardServersPtr shard_;
  Server asked_;
  std::vector<Server> tried_;  // Since the last time that all had failed.
};

ShardReads::ShardReads(Env& env, RpcClient& rpc, Proxies& proxies, TaskGroup& tasks)
    : env_(env),
      rpc_(rpc),
      proxies_(proxies),
      tasks_(tasks),
      knobs_(env.knobs().Get<ClientKnobs>()),
      locations_(static_cast<size_t>(knobs_.client_locations_max)),
      rotation_(env.random("client.rotation").Next()) {}

Task<ReadValue> ShardReads::Get(Key key, Version version) {
  // Nearly always the first attempt is the only one, and needs nothing besides.
  std::optional<Attempts> attempts;
  for (;;) {
    ShardServersPtr shard = locations_.Find(key, false);
    if (shard == nullptr) {
      CO_ASSIGN_OR_RETURN(shard, co_await Locate(key, false));
    }
    if (!attempts.has_value()) attempts.emplace(*this);
    ReadValue value = co_await attempts->Choose(shard).Get(key, version);
    if (value.ok()) co_return value;
    CO_RETURN_IF_ERROR(co_await attempts->Failed(value.status()));
  }
}

template <class Req, class Rep, class Make>
Task<absl::StatusOr<ShardReads::Answer<Req, Rep>>> ShardReads::Ask(Method<Req, Rep> method, Key key,
                                                                   bool before, Make make) {
  Attempts attempts(*this);
  for (;;) {
    Answer<Req, Rep> answer;
    CO_ASSIGN_OR_RETURN(answer.shard, co_await Locate(key, before));
    Message<Req> request{make(*answer.shard)};
    absl::StatusOr<Message<Rep>> reply =
        co_await rpc_.Call(attempts.Choose(answer.shard).endpoint(), method, std::move(request),
                           knobs_.client_call_timeout);
    if (reply.ok()) {
      answer.reply = *std::move(reply);
      co_return std::move(answer);
    }
    CO_RETURN_IF_ERROR(co_await attempts.Failed(reply.status()));
  }
}

Task<absl::StatusOr<RangePiece>> ShardReads::GetRange(KeyRange range, ReadLimits limits,
                                                      bool reverse, Version version) {
  KeyRange asked;
  const auto make = [&](const ShardServers& shard) {
    asked = {std::max(range.begin, shard.range.begin), std::min(range.end, shard.range.end)};
    GetRangeRequest request;
    request.set_begin(asked.begin);
    request.set_end(asked.end);
    request.set_version(version);
    request.set_reverse(reverse);
    request.set_rows_max(limits.rows);
    request.set_bytes_max(static_cast<uint32_t>(std::min<uint64_t>(limits.bytes, UINT32_MAX)));
    return request;
  };
  CO_ASSIGN_OR_RETURN(auto answer,
                      co_await Ask(kGetRange, reverse ? range.end : range.begin, reverse, make));
  RangePiece piece;
  const GetRangeReply& reply = answer.reply.header;
  if (!ParseRows(std::move(answer.reply.attachment), reply.rows(), piece.rows) ||
      !IsPieceOf(piece, asked, reverse) || (reply.more() && piece.rows.empty())) {
    co_return Error(ErrorCode::corrupt_frame, "the rows of a reply do not parse");
  }
  if (!reply.more()) {
    piece.through = reverse ? std::move(asked.begin) : std::move(asked.end);
  } else {
    const KeyRef last = piece.rows.back().key;
    piece.through = reverse ? Key(last) : KeyAfter(last);
  }
  co_return std::move(piece);
}

Task<absl::StatusOr<Key>> ShardReads::GetKey(KeySelector selector, Key end, Version version) {
  for (;;) {
    // The shard that has the selector's key, or the first key that it may name below it.
    const bool before = selector.offset <= 0 && !selector.or_equal;
    if (before && selector.key.empty()) co_return Key();
    if (selector.offset >= 1 && selector.key >= end) co_return std::move(end);
    if (selector.key >= kEndOfKeys && !before) {  // Only "last less or equal" to the end of all.
      selector.or_equal = false;
      continue;
    }
    const auto make = [&](const ShardServers& shard) {
      GetKeyRequest request;
      request.set_key(selector.key);
      request.set_or_equal(selector.or_equal);
      request.set_offset(selector.offset);
      request.set_begin(shard.range.begin);
      request.set_end(shard.range.end);
      request.set_version(version);
      return request;
    };
    CO_ASSIGN_OR_RETURN(auto answer, co_await Ask(kGetKey, selector.key, before, make));
    GetKeyReply& reply = answer.reply.header;
    if (reply.resolved()) {
      if (reply.key() >= end) co_return std::move(end);
      co_return std::move(*reply.mutable_key());
    }
    selector = {std::move(*reply.mutable_key()), false, reply.offset()};
    const KeyRange& shard = answer.shard->range;
    if (selector.key != (selector.offset <= 0 ? shard.begin : shard.end)) {
      co_return Error(ErrorCode::corrupt_frame,
                      "a selector went on elsewhere than at the shard's end");
    }
  }
}

Task<absl::StatusOr<ShardReads::Estimate>> ShardReads::EstimateBytes(KeyRange range,
                                                                     uint64_t chunk_bytes) {
  Estimate estimate;
  while (range.begin < range.end) {
    const auto make = [&](const ShardServers& shard) {
      EstimateRangeRequest request;
      request.set_begin(std::max(range.begin, shard.range.begin));
      request.set_end(std::min(range.end, shard.range.end));
      request.set_chunk_bytes(chunk_bytes);
      return request;
    };
    CO_ASSIGN_OR_RETURN(auto answer, co_await Ask(kEstimateRange, range.begin, false, make));
    EstimateRangeReply& reply = answer.reply.header;
    estimate.bytes += reply.bytes();
    for (std::string& key : *reply.mutable_split_keys()) {
      estimate.split_keys.push_back(std::move(key));
    }
    range.begin = answer.shard->range.end;
  }
  co_return std::move(estimate);
}

Task<absl::StatusOr<ShardServersPtr>> ShardReads::Locate(Key key, bool before) {
  ClientBackoff backoff(env_, knobs_.client_backoff_max);
  for (;;) {
    if (ShardServersPtr shard = locations_.Find(key, before)) co_return std::move(shard);
    absl::Status asked;
    {
      // One asks; those who waited meanwhile mostly find what they want afterwards.
      const Mutex::Guard guard = co_await locating_.Lock();
      if (ShardServersPtr shard = locations_.Find(key, before)) co_return std::move(shard);
      asked = co_await AskForLocations(key, before);
      if (asked.ok()) {
        if (ShardServersPtr shard = locations_.Find(key, before)) co_return std::move(shard);
      }
    }
    if (!asked.ok() && !MayPassElsewhere(asked)) co_return asked;
    co_await backoff.Wait();
  }
}

Task<absl::Status> ShardReads::AskForLocations(Key key, bool before) {
  CO_RETURN_IF_ERROR(co_await proxies_.WaitUntilKnown());
  Message<LocateRequest> request;
  request.header.set_begin(before ? Key() : key);
  request.header.set_end(before ? std::move(key) : Key(kEndOfKeys));
  request.header.set_reverse(before);
  request.header.set_shards_max(static_cast<uint32_t>(knobs_.client_locate_shards_max));
  absl::StatusOr<Message<LocateReply>> reply = co_await proxies_.Call(
      Proxies::Kind::kCommit, kLocate, std::move(request), knobs_.client_call_timeout);
  if (!reply.ok()) co_return std::move(reply).status();
  // The one that is wanted comes first; it is put in last, lest it be dropped for the others.
  auto& shards = *reply->header.mutable_shards();
  for (int i = shards.size(); i-- > 0;) {
    auto shard = std::make_shared<ShardServers>();
    shard->range = {std::move(*shards[i].mutable_begin()), std::move(*shards[i].mutable_end())};
    for (const ServerLocation& server : shards[i].servers()) {
      shard->servers.push_back(ServerAt(FromMessage(server.endpoint())));
    }
    if (shard->range.begin >= shard->range.end || shard->servers.empty()) continue;
    locations_.Insert(std::move(shard));
  }
  co_return absl::OkStatus();
}

std::shared_ptr<StorageServerClient> ShardReads::ServerAt(const Endpoint& endpoint) {
  std::shared_ptr<StorageServerClient>& server = servers_[ToMessage(endpoint).SerializeAsString()];
  if (server != nullptr) return server;
  server = std::make_shared<StorageServerClient>(env_, rpc_, tasks_, endpoint);
  std::shared_ptr<StorageServerClient> made = server;
  if (servers_.size() > servers_max_) {
    std::erase_if(servers_, [](const auto& each) { return each.second.use_count() == 1; });
    servers_max_ = 2 * servers_.size() + 64;
  }
  return made;
}

}  // namespace orrery
