// Two passes: mutations are tagged, with tag sets by number, then encoded for each group of logs.
#include "txn/proxy/batch_tagger.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/encoding.h"
#include "core/base/invariant.h"
#include "storage/log/atomic_operations.h"
#include "storage/log/log_team.h"
#include "storage/log/mutation_codec.h"
#include "storage/server/private_mutations.h"

namespace orrery {
namespace {

constexpr KeyRangeRef kAllKeys{"", kShardMapEnd};

// Team and destination, each server once.
std::vector<Tag> ServersOf(const Shard& shard) {
  std::vector<Tag> servers = shard.team;
  servers.insert(servers.end(), shard.destination.begin(), shard.destination.end());
  std::ranges::sort(servers);
  const auto repeats = std::ranges::unique(servers);
  servers.erase(repeats.begin(), repeats.end());
  return servers;
}

KeyRangeRef Cut(const KeyRangeRef& range, const KeyRangeRef& to) {
  return {std::max(range.begin, to.begin), std::min(range.end, to.end)};
}

// Keys of all shards that a change of rows may change; nothing if it changes no row of the map.
std::optional<KeyRange> ShardsChanged(const MutationRef& mutation) {
  const auto begin_of = [](KeyRef row) { return row.substr(kShardMapPrefix.size()); };
  if (mutation.type != MutationType::kClearRange) {
    if (!mutation.key.starts_with(kShardMapPrefix)) return std::nullopt;
    const KeyRef begin = begin_of(mutation.key);
    return KeyRange{Key(begin), KeyAfter(begin)};
  }
  if (!ShardMap::IsRow({mutation.key, mutation.value})) return std::nullopt;
  INVARIANT(mutation.key.starts_with(kShardMapPrefix));  // The first row is never cleared.
  const KeyRef end =
      mutation.value.starts_with(kShardMapPrefix) ? begin_of(mutation.value) : kShardMapEnd;
  return KeyRange{Key(begin_of(mutation.key)), Key(std::min(end, KeyRef(kShardMapEnd)))};
}

}  // namespace

bool LogTeams::Keeps(size_t log, Tag tag) {
  const auto [at, added] = teams_.try_emplace(tag);
  if (added) {
    at->second.resize(logs());
    for (const size_t member : LogTeamOf(tag, set_)) at->second[member] = true;
  }
  return at->second[log];
}

void BatchTagger::ApplyOwn(const MutationRef& mutation) {
  INVARIANT(last_range_.empty());
  const std::optional<KeyRange> changed = ShardsChanged(mutation);
  std::vector<std::pair<KeyRange, Shard>> before;
  if (changed.has_value()) {
    metadata_.shards().ForEach(*changed, [&before](const ShardMap::Location& at) {
      before.emplace_back(KeyRange{Key(at.range.begin), Key(at.range.end)}, at.shard);
      return true;
    });
  }
  metadata_.Apply(mutation);
  for (const auto& [range, shard] : before) TellServers(range, shard);
}

// Who serves `range` now and did not before, or the other way round, is told.
void BatchTagger::TellServers(KeyRangeRef range, const Shard& before) {
  const std::vector<Tag> old_servers = ServersOf(before);
  metadata_.shards().ForEach(range, [&](const ShardMap::Location& at) {
    if (at.shard == before) return true;
    const KeyRangeRef part = Cut(range, at.range);
    const std::vector<Tag> servers = ServersOf(at.shard);
    for (const Tag server : old_servers) {
      if (!std::ranges::binary_search(servers, server)) TellServer(server, kUnassignPrefix, part);
    }
    for (const Tag server : servers) {
      if (!std::ranges::binary_search(old_servers, server)) TellServer(server, kAssignPrefix, part);
    }
    return true;
  });
}

void BatchTagger::TellServer(Tag server, std::string_view prefix, KeyRangeRef range) {
  const Mutation& told = owned_.emplace_back(Mutation{
      MutationType::kSet, std::string(prefix).append(range.begin), std::string(range.end)});
  items_.push_back({told, Intern({server})});
}

void BatchTagger::Add(const MutationRef& mutation, Version version, uint16_t order) {
  if (!IsVersionstamped(mutation.type)) return Tagged(mutation);
  absl::StatusOr<Mutation> set = SubstituteVersionstamp(mutation, version, order);
  INVARIANT(set.ok());
  AddOwned(*std::move(set));
}

void BatchTagger::AddOwned(Mutation mutation) { Tagged(owned_.emplace_back(std::move(mutation))); }

void BatchTagger::AddSnapshot() {
  const uint32_t tags = Intern({kMetadataTag});
  for (Mutation& part : metadata_.Snapshot()) {
    items_.push_back({owned_.emplace_back(std::move(part)), tags});
  }
}

void BatchTagger::Tagged(const MutationRef& mutation) {
  if (mutation.type == MutationType::kClearRange) return TaggedClear(mutation);
  if (Metadata::Touches(mutation)) {
    const Shard& shard = metadata_.shards().Find(mutation.key).shard;
    items_.push_back({mutation, TagsOf(shard, true)});
    return;
  }
  if (!last_range_.Contains(mutation.key)) {
    const ShardMap::Location at = metadata_.shards().Find(mutation.key);
    last_range_ = at.range;
    last_tags_ = TagsOf(at.shard, false);
  }
  items_.push_back({mutation, last_tags_});
}

void BatchTagger::TaggedClear(const MutationRef& mutation) {
  const KeyRangeRef range = Cut({mutation.key, mutation.value}, kAllKeys);
  metadata_.shards().ForEach(range, [&](const ShardMap::Location& at) {
    const KeyRangeRef part = Cut(range, at.range);
    MutationRef piece{MutationType::kClearRange, part.begin, part.end};
    const bool inside = part == range;
    if (!inside) {  // A border of the shard map may go before this is encoded.
      piece =
          owned_.emplace_back(Mutation{piece.type, std::string(part.begin), std::string(part.end)});
    }
    items_.push_back({piece, TagsOf(at.shard, Metadata::Touches(piece))});
    return true;
  });
}

uint32_t BatchTagger::TagsOf(const Shard& shard, bool metadata) {
  std::vector<Tag> tags = ServersOf(shard);
  if (metadata) tags.push_back(kMetadataTag);
  return Intern(std::move(tags));
}

uint32_t BatchTagger::Intern(std::vector<Tag> tags) {
  const auto number = static_cast<uint32_t>(tag_sets_.size());
  const auto [at, added] = interned_.try_emplace(std::move(tags), number);
  if (added) tag_sets_.push_back(at->first);
  return at->second;
}

LogBatches BatchTagger::Encode() {
  LogBatches batches;
  // By log, of each tag set what the log keeps. Logs that keep the same get the same batch.
  std::map<std::vector<std::vector<Tag>>, size_t> encoded;
  for (size_t log = 0; log < teams_.logs(); ++log) {
    std::vector<std::vector<Tag>> kept(tag_sets_.size());
    for (size_t i = 0; i < tag_sets_.size(); ++i) {
      for (const Tag tag : tag_sets_[i]) {
        if (teams_.Keeps(log, tag)) kept[i].push_back(tag);
      }
    }
    const auto [at, added] = encoded.try_emplace(std::move(kept), log);
    if (!added) {
      batches.of_log.push_back(batches.of_log[at->second]);
      continue;
    }
    MutationBatchWriter writer;
    for (const Item& item : items_) {
      const std::vector<Tag>& tags = at->first[item.tags];
      if (!tags.empty()) writer.Add(tags, item.mutation);
    }
    batches.of_log.push_back(Buffer::Copy(std::move(writer).Finish()));
  }
  return batches;
}

size_t LoggedBytesMax(const std::vector<MutationRef>& mutations, size_t tag_bytes,
                      const ShardMap& shards) {
  constexpr size_t kTypeAndLengths = 1 + 3 + 3;
  size_t bytes = mutations.size() * (kTypeAndLengths + tag_bytes);
  for (const MutationRef& mutation : mutations) {
    bytes += mutation.key.size() + mutation.value.size();
    if (mutation.type != MutationType::kClearRange || shards.size() == 1) continue;
    shards.ForEach(
        Cut({mutation.key, mutation.value}, kAllKeys), [&](const ShardMap::Location& at) {
          bytes += at.range.begin.size() + at.range.end.size() + kTypeAndLengths + tag_bytes;
          return true;
        });
  }
  return bytes;
}

size_t TagBytesMax(const ShardMap& shards) {
  size_t bytes_max = 0;
  shards.ForEach(kAllKeys, [&bytes_max](const ShardMap::Location& at) {
    std::string bytes;
    for (const Tag tag : ServersOf(at.shard)) {
      bytes.push_back(static_cast<char>(tag.kind));
      AppendVarint(bytes, tag.id);
    }
    bytes_max = std::max(bytes_max, bytes.size());
    return true;
  });
  constexpr size_t kCountAndMetadataTag = 2 + 2;
  return bytes_max + kCountAndMetadataTag;
}

}  // namespace orrery
