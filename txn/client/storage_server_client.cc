// Point reads gathered for a turn, and their replies.
#include "txn/client/storage_server_client.h"

#include <utility>

#include "core/base/encoding.h"
#include "storage/server/storage_methods.h"

namespace orrery {
namespace {

// The values of a GetValuesReply, one for each key; empty when it is malformed.
std::vector<std::optional<std::string>> ParseValues(std::string_view bytes, size_t count) {
  std::vector<std::optional<std::string>> values(count);
  ByteReader reader(bytes);
  for (std::optional<std::string>& value : values) {
    uint8_t present = 0;
    uint32_t size = 0;
    std::string_view read;
    if (!reader.ReadFixed8(present) || present > 1 || !reader.ReadFixed32(size) ||
        !reader.ReadBytes(size, read)) {
      return {};
    }
    if (present == 1) value.emplace(read);
  }
  if (!reader.AtEnd()) values.clear();
  return values;
}

}  // namespace

StorageServerClient::StorageServerClient(Env& env, RpcClient& rpc, TaskGroup& tasks,
                                         Endpoint endpoint)
    : env_(env),
      rpc_(rpc),
      tasks_(tasks),
      knobs_(env.knobs().Get<ClientKnobs>()),
      endpoint_(std::move(endpoint)) {}

void StorageServerClient::Avoid() {
  avoid_until_ = After(env_.clock().Now(), knobs_.client_avoid_server);
}

Future<ReadValue> StorageServerClient::Get(Key key, Version version) {
  const auto keys_max = static_cast<size_t>(knobs_.client_reads_per_call_max);
  Batch* batch = nullptr;
  for (size_t i = batches_.size(); i-- > 0;) {
    if (batches_[i].version != version) continue;
    if (batches_[i].keys.size() < keys_max) batch = &batches_[i];
    break;
  }
  if (batch == nullptr) {
    batch = &batches_.emplace_back();
    batch->version = version;
  }
  batch->keys.push_back(std::move(key));
  if (!flush_.queued()) env_.executor().AtTurnEnd(flush_);
  return batch->values.emplace_back().future();
}

void StorageServerClient::Flush() {
  for (Batch& batch : batches_) {
    tasks_.Spawn("client.get_values",
                 Send(rpc_, endpoint_, std::move(batch), knobs_.client_call_timeout));
  }
  batches_.clear();
}

Task<absl::Status> StorageServerClient::Send(RpcClient& rpc, Endpoint to, Batch batch,
                                             Duration timeout) {
  const size_t count = batch.values.size();
  absl::Status error;
  if (count == 1) {
    Message<GetValueRequest> request;
    request.header.set_key(std::move(batch.keys[0]));
    request.header.set_version(batch.version);
    absl::StatusOr<Message<GetValueReply>> reply =
        co_await rpc.Call(std::move(to), kGetValue, std::move(request), timeout);
    error = reply.status();
    if (error.ok()) {
      batch.values[0].Set(reply->header.found()
                              ? std::optional<std::string>(reply->attachment.view())
                              : std::nullopt);
      co_return absl::OkStatus();
    }
  } else {
    Message<GetValuesRequest> request;
    request.header.mutable_keys()->Reserve(static_cast<int>(count));
    for (Key& key : batch.keys) request.header.add_keys(std::move(key));
    request.header.set_version(batch.version);
    absl::StatusOr<Message<GetValuesReply>> reply =
        co_await rpc.Call(std::move(to), kGetValues, std::move(request), timeout);
    error = reply.status();
    if (error.ok()) {
      std::vector<std::optional<std::string>> values = ParseValues(reply->attachment.view(), count);
      if (values.size() == count) {
        for (size_t i = 0; i < count; ++i) batch.values[i].Set(std::move(values[i]));
        co_return absl::OkStatus();
      }
      error = Error(ErrorCode::corrupt_frame, "the values of a reply do not parse");
    }
  }
  for (Promise<ReadValue>& value : batch.values) value.Set(error);
  co_return absl::OkStatus();  // Everybody who waited has the error.
}

}  // namespace orrery
