// What the next generation is made of: its record, and the recovery transaction. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/base/version.h"
#include "storage/log/log.pb.h"
#include "storage/log/mutation.h"
#include "storage/log/tags.h"
#include "txn/controller/generation_record.pb.h"
#include "txn/metadata/metadata.h"

namespace orrery {

// Where the next generation takes over.
struct Takeover {
  Version recovery_version = kInvalidVersion;
  Version known_committed = kInvalidVersion;  // Later versions are copied to the new logs.
};

// Of a record that no generation has used yet.
Takeover FirstTakeover(const GenerationRecord& record);

// The first version of the generation that takes over there.
Version FirstVersionAfter(const GenerationRecord& record, Version recovery_version);

// The record that follows `last`, with `logs` as the current set. Old sets that have nothing more
// than the one before them are left out. REQUIRES: takeover.known_committed <=
// takeover.recovery_version, and at or above the begin of the last set.
GenerationRecord NextRecord(const GenerationRecord& last, Takeover takeover, uint32_t replication,
                            std::vector<LogMember> logs);

// `record` without the old sets that every storage server has: those whose end is at or below
// `durable`. The current set stays.
GenerationRecord WithoutDrained(const GenerationRecord& record, Version durable);

// The metadata with which a database begins: `configuration` as name=value, one shard over all
// keys, on all of `servers`. Errors: those of Configuration::Set.
absl::StatusOr<Metadata> FirstMetadata(const std::vector<std::string>& configuration,
                                       const std::vector<StorageServerRow>& servers);

// The metadata that messages of the metadata tag amount to, in their order. The first one has a
// snapshot: everything before that was popped. Errors: file_corrupt (it has none, too),
// protocol_mismatch.
absl::StatusOr<Metadata> MetadataOf(std::span<const std::string_view> batches);

struct TaggedMutation {
  std::vector<Tag> tags;
  Mutation mutation;
};

// The recovery transaction. `first`: of a database's first generation, which also gives the storage
// servers their shard, and the rows as data.
std::vector<TaggedMutation> RecoveryTransaction(const Metadata& metadata, Version recovery_version,
                                                bool first);

// For each log of the set the batch that it gets: mutations of the tags whose team it is in, with
// those tags.
std::vector<std::string> BatchesOf(const std::vector<TaggedMutation>& mutations, const LogSet& set);

// All rows as one batch without tags: what a commit proxy is recruited with.
std::string RowsBatch(const Metadata& metadata);

// The tags of all storage servers.
std::vector<Tag> StorageTags(const Metadata& metadata);

// Where each of `count` resolvers begins: even by first byte. The first is "".
std::vector<Key> ResolverBegins(uint32_t count);

}  // namespace orrery
