// Records and batches.
#include "txn/recovery/generation_plan.h"

#include <algorithm>
#include <utility>

#include "core/base/encoding.h"
#include "core/base/fixed.h"
#include "core/base/invariant.h"
#include "storage/log/log_team.h"
#include "storage/log/mutation_codec.h"
#include "storage/server/private_mutations.h"
#include "txn/sequencer/sequencer.h"

namespace orrery {

namespace {

// How many jumps a record remembers: more than any window of versions or age of ids spans.
constexpr int kJumpsMax = 20;

}  // namespace

Takeover FirstTakeover(const GenerationRecord& record) {
  const Version begin = std::max<Version>(record.minimum_version(), 0);
  return {begin, begin};
}

Version FirstVersionAfter(const GenerationRecord& record, Version recovery_version) {
  return std::max(recovery_version, record.minimum_version()) + kGenerationJump;
}

GenerationRecord NextRecord(const GenerationRecord& last, Takeover takeover, uint32_t replication,
                            std::vector<LogMember> logs) {
  INVARIANT(takeover.known_committed <= takeover.recovery_version, takeover.known_committed,
            takeover.recovery_version);
  GenerationRecord next = last;
  next.set_generation(last.generation() + 1);
  next.clear_initial_configuration();
  LogSystem& system = *next.mutable_log_system();
  system.set_generation(next.generation());
  if (system.sets_size() > 0) {
    LogSet& old = *system.mutable_sets(system.sets_size() - 1);
    INVARIANT(old.end() == kInvalidVersion && old.begin() <= takeover.known_committed, old.end(),
              old.begin(), takeover.known_committed);
    old.set_end(takeover.known_committed);
    if (old.begin() == old.end()) system.mutable_sets()->RemoveLast();
  }
  LogSet& set = *system.add_sets();
  set.set_generation(next.generation());
  for (LogMember& log : logs) *set.add_logs() = std::move(log);
  set.set_replication(replication);
  set.set_begin(takeover.known_committed);
  set.set_end(kInvalidVersion);
  set.set_first_version(FirstVersionAfter(last, takeover.recovery_version));
  VersionJump& jump = *next.add_jumps();
  jump.set_recovery_version(takeover.recovery_version);
  jump.set_first_version(set.first_version());
  if (next.jumps_size() > kJumpsMax) next.mutable_jumps()->DeleteSubrange(0, 1);
  return next;
}

GenerationRecord WithoutDrained(const GenerationRecord& record, Version durable) {
  GenerationRecord left = record;
  left.mutable_log_system()->clear_sets();
  for (const LogSet& set : record.log_system().sets()) {
    const bool drained = set.end() != kInvalidVersion && set.end() <= durable;
    if (!drained) *left.mutable_log_system()->add_sets() = set;
  }
  return left;
}

absl::StatusOr<Metadata> FirstMetadata(const std::vector<std::string>& configuration,
                                       const std::vector<StorageServerRow>& servers) {
  Configuration wanted;
  for (const std::string& row : configuration) {
    const size_t equals = std::min(row.find('='), row.size());
    RETURN_IF_ERROR(wanted.Set(std::string_view(row).substr(0, equals),
                               std::string_view(row).substr(std::min(equals + 1, row.size()))));
  }
  Metadata metadata;
  for (const Mutation& row : wanted.Rows()) metadata.Apply(row);
  Shard shard;
  for (const StorageServerRow& server : servers) {
    metadata.Apply(ServerListRow(server));
    shard.team.push_back({TagKind::kStorage, server.tag_id()});
  }
  for (const Mutation& row : metadata.shards().Assign({"", kShardMapEnd}, shard)) {
    metadata.Apply(row);
  }
  return metadata;
}

absl::StatusOr<Metadata> MetadataOf(std::span<const std::string_view> batches) {
  Metadata metadata;
  bool snapshot = false;
  for (const std::string_view batch : batches) {
    ASSIGN_OR_RETURN(MutationBatchReader reader, MutationBatchReader::Open(batch));
    while (reader.remaining() > 0) {
      RETURN_IF_ERROR(reader.Next());
      if (Metadata::BeginsSnapshot(reader.mutation())) {
        snapshot = true;
        metadata = Metadata();
        continue;
      }
      RETURN_IF_ERROR(Metadata::Check(reader.mutation()));
      metadata.Apply(reader.mutation());
    }
    if (!snapshot) break;
  }
  if (snapshot) return metadata;
  return Error(ErrorCode::file_corrupt, "the log does not begin with a snapshot of the metadata");
}

std::vector<TaggedMutation> RecoveryTransaction(const Metadata& metadata, Version recovery_version,
                                                bool first) {
  std::vector<TaggedMutation> mutations;
  const std::vector<Tag> storage = StorageTags(metadata);
  std::string version;
  AppendFixed(version, static_cast<uint64_t>(recovery_version));
  mutations.push_back({storage, {MutationType::kSet, std::string(kGenerationKey), version}});
  std::vector<Tag> row_tags;
  if (first) {
    mutations.push_back(
        {storage, {MutationType::kSet, std::string(kAssignPrefix), std::string(kShardMapEnd)}});
    row_tags = storage;
  }
  row_tags.push_back(kMetadataTag);
  for (Mutation& part : metadata.Snapshot()) {
    const bool row = !Metadata::BeginsSnapshot(part);
    mutations.push_back({row ? row_tags : std::vector<Tag>{kMetadataTag}, std::move(part)});
  }
  return mutations;
}

std::vector<std::string> BatchesOf(const std::vector<TaggedMutation>& mutations,
                                   const LogSet& set) {
  std::vector<MutationBatchWriter> writers(static_cast<size_t>(set.logs_size()));
  std::vector<std::vector<Tag>> tags(writers.size());
  for (const TaggedMutation& each : mutations) {
    for (std::vector<Tag>& of_log : tags) of_log.clear();
    for (const Tag tag : each.tags) {
      for (const size_t log : LogTeamOf(tag, set)) tags[log].push_back(tag);
    }
    for (size_t log = 0; log < writers.size(); ++log) {
      if (!tags[log].empty()) writers[log].Add(tags[log], each.mutation);
    }
  }
  std::vector<std::string> batches;
  batches.reserve(writers.size());
  for (MutationBatchWriter& writer : writers) batches.push_back(std::move(writer).Finish());
  return batches;
}

std::string RowsBatch(const Metadata& metadata) {
  MutationBatchWriter writer;
  for (const Mutation& row : metadata.Rows()) writer.Add({}, row);
  return std::move(writer).Finish();
}

std::vector<Tag> StorageTags(const Metadata& metadata) {
  std::vector<Tag> tags;
  for (const auto& [id, server] : metadata.servers()) tags.push_back({TagKind::kStorage, id});
  return tags;
}

std::vector<Key> ResolverBegins(uint32_t count) {
  INVARIANT(count >= 1 && count <= 256, count);
  std::vector<Key> begins = {""};
  for (uint32_t i = 1; i < count; ++i) begins.push_back(Key(1, static_cast<char>(i * 256 / count)));
  return begins;
}

}  // namespace orrery
