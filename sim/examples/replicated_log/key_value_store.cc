// Applying commands, each once.
#include "sim/examples/replicated_log/key_value_store.h"

#include <algorithm>
#include <utility>

#include "core/base/hash.h"
#include "sim/examples/replicated_log/replicated_log.pb.h"

namespace orrery::sim::replicated_log {

absl::Status KeyValueStore::Apply(const std::string& command) {
  digest_ = HashBytes(command, digest_);
  if (command.empty()) return absl::OkStatus();
  PutRequest put;
  if (!put.ParseFromString(command)) {
    return Error(ErrorCode::file_corrupt, "a command in the log does not parse");
  }
  Client& client = clients_[put.client()];
  if (put.sequence() < client.oldest || !client.applied.insert(put.sequence()).second) {
    return absl::OkStatus();
  }
  client.oldest = std::max(client.oldest, put.oldest_sequence());
  client.applied.erase(client.applied.begin(), client.applied.lower_bound(client.oldest));
  for (PutRequest::Entry& entry : *put.mutable_entries()) {
    values_[std::move(*entry.mutable_key())] = std::move(*entry.mutable_value());
  }
  return absl::OkStatus();
}

const std::string* KeyValueStore::Get(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

}  // namespace orrery::sim::replicated_log
