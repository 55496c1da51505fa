// Each kind of row by its prefix. Whether a mutation may be let in does not depend on the state.
#include "txn/metadata/metadata.h"

#include <optional>
#include <utility>

#include "core/base/encoding.h"
#include "core/base/error_codes.h"
#include "core/base/invariant.h"
#include "storage/log/atomic_operations.h"

namespace orrery {
namespace {

constexpr size_t kTagIdBytes = 4;

bool IsMetadataKey(KeyRef key) {
  return key >= kMetadataBegin && key < kMetadataEnd &&
         !(key >= kSystemDataBegin && key < kSystemDataEnd);
}

Key ServerListKey(uint32_t tag_id) {
  Key key(kServerListPrefix);
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(tag_id >> shift));
  return key;
}

// The id in the key of a row of the server list.
std::optional<uint32_t> TagIdOf(KeyRef key) {
  key.remove_prefix(kServerListPrefix.size());
  if (key.size() != kTagIdBytes) return std::nullopt;
  uint32_t id = 0;
  for (const char byte : key) id = id << 8 | static_cast<uint8_t>(byte);
  return id;
}

absl::StatusOr<StorageServerRow> ParseServer(const MutationRef& row) {
  StorageServerRow server;
  const std::optional<uint32_t> tag_id = TagIdOf(row.key);
  if (!tag_id.has_value() || !server.ParseFromString(std::string(row.value)) ||
      server.tag_id() != *tag_id) {
    return Error(ErrorCode::file_corrupt, "a row of the list of storage servers does not decode");
  }
  return server;
}

absl::Status CheckShard(const MutationRef& row) {
  ASSIGN_OR_RETURN(const Shard shard, DecodeShard(row.value));
  if (shard.team.empty()) {
    return Error(ErrorCode::client_invalid_operation, "a shard has at least one server");
  }
  return absl::OkStatus();
}

}  // namespace

Mutation ServerListRow(const StorageServerRow& row) {
  return {MutationType::kSet, ServerListKey(row.tag_id()), row.SerializeAsString()};
}

bool Metadata::Touches(const MutationRef& mutation) {
  if (mutation.type == MutationType::kClearRange) {
    const KeyRangeRef range{mutation.key, mutation.value};
    return range.Intersects({kMetadataBegin, kSystemDataBegin}) ||
           range.Intersects({kSystemDataEnd, kMetadataEnd});
  }
  if (!mutation.key.starts_with(kMetadataBegin)) return false;
  if (mutation.type == MutationType::kSetVersionstampedKey) {
    // The first byte of a stamp is that of a version: zero, whatever the version.
    const absl::StatusOr<Mutation> set = SubstituteVersionstamp(mutation, 0, 0);
    return set.ok() && IsMetadataKey(set->key);
  }
  return IsMetadataKey(mutation.key);
}

absl::Status Metadata::Check(const MutationRef& mutation) {
  if (!Touches(mutation)) return absl::OkStatus();
  if (mutation.type == MutationType::kClearRange) return ShardMap().Apply(mutation);
  if (mutation.type != MutationType::kSet) {
    return Error(ErrorCode::client_invalid_operation, "metadata is set or cleared, nothing else");
  }
  if (mutation.key.starts_with(kShardMapPrefix)) {
    RETURN_IF_ERROR(CheckShard(mutation));
    return ShardMap().Apply(mutation);
  }
  if (mutation.key.starts_with(kServerListPrefix)) return ParseServer(mutation).status();
  if (mutation.key.starts_with(kConfigurationPrefix)) {
    const absl::Status set =
        Configuration().Set(mutation.key.substr(kConfigurationPrefix.size()), mutation.value);
    if (!set.ok()) return Error(ErrorCode::client_invalid_operation, std::string(set.message()));
  }
  return absl::OkStatus();
}

void Metadata::Apply(const MutationRef& mutation) {
  if (!Touches(mutation)) return;
  const absl::Status applied = shards_.Apply(mutation);
  INVARIANT(applied.ok(), Describe(applied));
  if (mutation.type == MutationType::kClearRange) return Clear({mutation.key, mutation.value});
  if (mutation.key.starts_with(kShardMapPrefix)) return;
  if (mutation.key.starts_with(kServerListPrefix)) {
    absl::StatusOr<StorageServerRow> server = ParseServer(mutation);
    INVARIANT(server.ok());
    const uint32_t id = server->tag_id();
    servers_.insert_or_assign(id, *std::move(server));
  } else if (mutation.key.starts_with(kConfigurationPrefix)) {
    const absl::Status set =
        configuration_.Set(mutation.key.substr(kConfigurationPrefix.size()), mutation.value);
    INVARIANT(set.ok(), Describe(set));
  } else {
    other_rows_.insert_or_assign(Key(mutation.key), std::string(mutation.value));
  }
}

void Metadata::Clear(KeyRangeRef range) {
  std::erase_if(servers_, [range](const auto& server) {
    return range.Contains(ServerListKey(server.first));
  });
  // A setting whose row goes has its standard value again.
  for (const Mutation& row : Configuration().Rows()) {
    if (!range.Contains(row.key)) continue;
    const absl::Status set =
        configuration_.Set(KeyRef(row.key).substr(kConfigurationPrefix.size()), row.value);
    INVARIANT(set.ok(), Describe(set));
  }
  other_rows_.erase(other_rows_.lower_bound(range.begin), other_rows_.lower_bound(range.end));
}

std::vector<Mutation> Metadata::Rows() const {
  std::vector<Mutation> rows = configuration_.Rows();
  // Before the first row of the map there are no servers.
  if (!shards_.Find("").shard.team.empty()) {
    for (Mutation& row : shards_.Rows()) rows.push_back(std::move(row));
  }
  for (const auto& [tag_id, server] : servers_) rows.push_back(ServerListRow(server));
  for (const auto& [key, value] : other_rows_) rows.push_back({MutationType::kSet, key, value});
  return rows;
}

std::vector<Mutation> Metadata::Snapshot() const {
  std::vector<Mutation> snapshot = {
      {MutationType::kClearRange, std::string(kMetadataBegin), std::string(kMetadataEnd)}};
  for (Mutation& row : Rows()) snapshot.push_back(std::move(row));
  return snapshot;
}

bool Metadata::BeginsSnapshot(const MutationRef& mutation) {
  return mutation.type == MutationType::kClearRange && mutation.key == kMetadataBegin &&
         mutation.value == kMetadataEnd;
}

const StorageServerRow* Metadata::FindServer(uint32_t tag_id) const {
  const auto at = servers_.find(tag_id);
  return at == servers_.end() ? nullptr : &at->second;
}

}  // namespace orrery
