// Metadata: what the rows of the \xff keyspace that the transaction system lives by say: shard map,
// storage servers, configuration. A replicated state machine: every commit proxy has a copy and
// applies the same mutations in the same order; recovery reads it out of the log.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/keys.h"
#include "core/base/status.h"
#include "storage/log/mutation.h"
#include "storage/log/tags.h"
#include "txn/metadata/configuration.h"
#include "txn/metadata/metadata.pb.h"
#include "txn/metadata/shard_map.h"

namespace orrery {

// Rows of [\xff, \xff\xff) are metadata, except those of [\xff\x02, \xff\x03): data of the system,
// but stored like any other.
inline constexpr std::string_view kMetadataBegin = "\xff";
inline constexpr std::string_view kMetadataEnd = "\xff\xff";
inline constexpr std::string_view kSystemDataBegin = "\xff\x02";
inline constexpr std::string_view kSystemDataEnd = "\xff\x03";
inline constexpr std::string_view kServerListPrefix = "\xff/serverList/";

Mutation ServerListRow(const StorageServerRow& row);

class Metadata {
 public:
  // Empty: one shard without servers, the standard configuration.
  Metadata() = default;

  // Whether the mutation may change metadata, so that it makes its transaction a state transaction.
  static bool Touches(const MutationRef& mutation);

  // Whether it may be let into the database: a well-formed row, or a clear that leaves a valid
  // state. This depends on the mutation alone, never on the state: what was let in stays valid
  // whatever is applied before it.
  // Errors: client_invalid_operation, file_corrupt, protocol_mismatch.
  static absl::Status Check(const MutationRef& mutation);

  // Applies it; parts outside of the metadata do not matter. REQUIRES: Check is ok.
  void Apply(const MutationRef& mutation);

  // All rows, so that applying them to an empty Metadata gives this one.
  std::vector<Mutation> Rows() const;

  // The rows behind a clear of everything: what makes everything before it in the log superfluous.
  // Only a snapshot has that clear: Check refuses it, and Apply does not take it.
  std::vector<Mutation> Snapshot() const;
  static bool BeginsSnapshot(const MutationRef& mutation);

  const ShardMap& shards() const { return shards_; }
  const Configuration& configuration() const { return configuration_; }
  const StorageServerRow* FindServer(uint32_t tag_id) const;  // nullptr: none.
  const std::map<uint32_t, StorageServerRow>& servers() const { return servers_; }  // By tag id.

 private:
  void Clear(KeyRangeRef range);

  ShardMap shards_;
  Configuration configuration_;
  std::map<uint32_t, StorageServerRow> servers_;
  std::map<Key, std::string, std::less<>> other_rows_;  // Kept, not understood.
};

}  // namespace orrery
